/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-config.c - l3vm.conf: what is accepted, and each complaint */
#include "store/config.h"

#include "base/clock.h"
#include "config-place.h"

/* --- what is accepted --------------------------------------------------- */

static void check_defaults(const L3vmConfig *config)
{
	const L3vmNetwork *network = l3vm_config_network(config, "default");

	assert_int_equal(config->protocol, 76);
	assert_int_equal(config->ranks.preferred, 4);
	assert_int_equal(config->ranks.normal, 5);
	assert_int_equal(config->ranks.last, 0xfa0003e8);
	assert_int_equal(config->hold_time, 30 * L3VM_SECOND);
	assert_true(config->hold);
	assert_int_equal(config->hold_bytes, 4 * 1024 * 1024);
	assert_int_equal(config->hold_time_limit, 5 * L3VM_SECOND);
	assert_int_equal(g_hash_table_size(config->networks), 1);
	assert_non_null(network);
	assert_string_equal(network->name, "default");
	assert_int_equal(network->mode, L3VM_MODE_ROUTED);
	assert_addr(&network->gateway4, "169.254.0.1");
	assert_addr(&network->gateway6, "fe80::1");
	assert_null(network->allow);
	assert_null(network->bridge);
	assert_null(network->derive);
	assert_int_equal(network->table, 254);
	assert_true(network->guard);
	assert_false(network->proxy_arp);
	assert_string_equal(network->announce[0], "kernel");
	assert_null(network->announce[1]);
}

static void missing_file_means_defaults(void **state)
{
	const struct place *place = *state;
	g_autoptr(L3vmConfig) config = l3vm_config_load(place->conf, NULL);
	g_autoptr(L3vmConfig)
		nowhere = l3vm_config_load("/nonexistent/l3vm.conf", NULL);

	assert_non_null(config);
	assert_non_null(nowhere);
	check_defaults(config);
	check_defaults(nowhere);
	assert_string_equal(config->path, place->conf);
}

static void empty_files_mean_defaults(void **state)
{
	static const char *const texts[] = { "", "\n", "# nothing\n\n  # here",
					     "[l3vm]\n", "[network default]\r\n" };

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(L3vmConfig) config = load(*state, texts[i]);

		check_defaults(config);
	}
}

static void every_key(void **state)
{
	g_autoptr(L3vmConfig) config = load(
		*state,
		"[l3vm]\n"
		"protocol = 77\nhold-time = 2min\n"
		"hold = no\nhold-bytes = 1000\n"
		"hold-time-limit = 3s\nhold-replay = 7ms\n"
		"hold-settle = 9ms\n"
		"rank-preferred = 1\nrank-normal = 19\nrank-last = 0xfb000007\n"
		"[network default]\n"
		"mode=routed\n"
		"gateway4 = 10.9.9.1\ngateway6 = 2001:db8::1\n"
		"gateway-mac = 02:00:00:00:00:09\n"
		"allow = 10.0.0.0/16\t 2001:db8::/48\n"
		"table = 4294967295\nmtu = 9000\nproxy-arp = yes\nguard = false\n"
		"derive = mac4 eui64 2001:db8:1::/64 embed4 2001:db8:2::/96\n"
		"learn = true\nannounce = none\ncover = blackhole\n"
		"[network lan]\n"
		"mode = bridge\nbridge = l3br0\nannounce = kernel\nderive = none\n");
	const L3vmNetwork *network = l3vm_config_network(config, "default");
	const L3vmNetwork *lan = l3vm_config_network(config, "lan");
	const L3vmDerive *rules;

	assert_int_equal(config->protocol, 77);
	assert_int_equal(config->hold_time, 120 * L3VM_SECOND);
	assert_false(config->hold);
	assert_int_equal(config->hold_bytes, 1000);
	assert_int_equal(config->hold_time_limit, 3 * L3VM_SECOND);
	assert_int_equal(config->hold_replay, 7000);
	assert_int_equal(config->hold_settle, 9000);
	assert_int_equal(config->ranks.preferred, 1);
	assert_int_equal(config->ranks.normal, 19);
	assert_int_equal(config->ranks.last, 0xfb000007);
	assert_addr(&network->gateway4, "10.9.9.1");
	assert_addr(&network->gateway6, "2001:db8::1");
	assert_int_equal(network->gateway_mac.bytes[5], 9);
	assert_int_equal(network->allow->len, 2);
	assert_addr(&g_array_index(network->allow, L3vmAddr, 1), "2001:db8::/48");
	assert_int_equal(network->table, UINT32_MAX);
	assert_int_equal(network->mtu, 9000);
	assert_true(network->proxy_arp && network->learn && !network->guard);
	assert_int_equal(network->cover, L3VM_COVER_BLACKHOLE);
	assert_null(network->announce[0]);
	assert_int_equal(network->derive->len, 3);
	rules = (const L3vmDerive *)(const void *)network->derive->data;
	assert_int_equal(rules[0].kind, L3VM_DERIVE_MAC4);
	assert_int_equal(rules[1].kind, L3VM_DERIVE_EUI64);
	assert_addr(&rules[1].prefix, "2001:db8:1::/64");
	assert_int_equal(rules[2].kind, L3VM_DERIVE_EMBED4);
	assert_addr(&rules[2].prefix, "2001:db8:2::/96");
	assert_int_equal(lan->mode, L3VM_MODE_BRIDGE);
	assert_string_equal(lan->bridge, "l3br0");
	assert_string_equal(lan->announce[0], "kernel");
	assert_null(lan->derive);
	assert_ptr_equal(l3vm_config_bridge(config, "l3br0"), lan);
	assert_null(l3vm_config_bridge(config, "l3br1"));
	assert_null(l3vm_config_bridge(config, NULL));
	assert_null(l3vm_config_network(config, "wan"));
}

/* ... wherever the default stands, and all but the bridge. */
static void inheritance(void **state)
{
	g_autoptr(L3vmConfig) config = load(*state, "[network web]\n"
						    "bridge = br1\nmtu = 1400\n"
						    "[network out]\nmode = routed\n"
						    "[network default]\n"
						    "mode = bridge\nbridge = br0\n"
						    "mtu = 9000\nallow = 10.0.0.0/8\n");
	const L3vmNetwork *web = l3vm_config_network(config, "web");
	const L3vmNetwork *out = l3vm_config_network(config, "out");

	assert_int_equal(web->mode, L3VM_MODE_BRIDGE);
	assert_string_equal(web->bridge, "br1");
	assert_int_equal(web->mtu, 1400);
	assert_addr(&g_array_index(web->allow, L3vmAddr, 0), "10.0.0.0/8");
	assert_int_equal(out->mode, L3VM_MODE_ROUTED);
	assert_null(out->bridge);
	assert_int_equal(out->mtu, 9000);
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		int64_t usec;
	} good[] = { { "500ms", 500000 },
		     { "30s", 30 * L3VM_SECOND },
		     { "2min", 120 * L3VM_SECOND },
		     { "0s", 0 },
		     { "1440min", 86400 * L3VM_SECOND } };
	static const char *const bad[] = { "",
					   "30",
					   "s",
					   "-1s",
					   "1.5s",
					   "1h",
					   "30S",
					   "1441min",
					   "1 000s",
					   "30s x",
					   "99999999999999999999s",
					   "4294967295min" };

	for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
		g_autofree char *text = g_strdup_printf("[l3vm]\nhold-time=%s\n",
							good[i].text);
		g_autoptr(L3vmConfig) config = load(*state, text);

		assert_int_equal(config->hold_time, good[i].usec);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autofree char *text = g_strdup_printf("[l3vm]\nhold-time = %s\n",
							bad[i]);

		refuse_about(*state, text, "must be a time up to a day");
	}
}

/* --- what is refused ---------------------------------------------------- */

static void unknown_words(void **state)
{
	refuse(*state, "[network default]\n[network web]\n\n# x\ngatway4 = 10.0.0.1\n",
	       "/l3vm.conf:5: unknown key \"gatway4\" in [network web] (did you mean "
	       "\"gateway4\"?)");
	refuse(*state, "[l3vm]\nzzz = 1\n",
	       "/l3vm.conf:2: unknown key \"zzz\" in [l3vm]");
	refuse(*state, "[l3vm]\nmtu[de] = 1500\n",
	       "/l3vm.conf:2: \"mtu[de] = 1500\" is no \"key = value\", no [section] "
	       "and no # comment");
	refuse(*state, "[netwrk web]\n",
	       "/l3vm.conf:1: unknown section [netwrk web] (did you mean "
	       "\"network\"?)");
	refuse(*state, "\n[l3wm]\n",
	       "/l3vm.conf:2: unknown section [l3wm] (did you mean \"l3vm\"?)");
	refuse(*state, "[something else]\n",
	       "/l3vm.conf:1: unknown section [something else]");
	refuse(*state, "[networks]\n",
	       "/l3vm.conf:1: unknown section [networks] (did you mean \"network\"?)");
	refuse(*state, "[network web]\nmode = bridged\n",
	       "/l3vm.conf:2: mode = bridged in [network web]: must be routed or "
	       "bridge (did you mean \"bridge\"?)");
	refuse(*state, "[network web]\nguard = on\n",
	       "/l3vm.conf:2: guard = on in [network web]: must be yes, no, true or "
	       "false");
	refuse(*state, "[network web]\nannounce = kernle\n",
	       "/l3vm.conf:2: announce = kernle in [network web]: \"kernle\" is no "
	       "announcer (did you mean \"kernel\"?)");
	refuse(*state, "[network web]\nmtu = 1500 # jumbo\n",
	       "/l3vm.conf:2: mtu = 1500 # jumbo in [network web]: must be a number "
	       "from 1280 to 65535 (comments stand on lines of their own)");
}

static void duplicates(void **state)
{
	refuse(*state, "[network web]\nmtu=1500\n[l3vm]\n[network web]\n",
	       "/l3vm.conf:4: section [network web] is there already in line 1 (put "
	       "all its keys into one)");
	refuse(*state, "[network web]\nmtu=1500\nguard=no\n mtu = 1400\n",
	       "/l3vm.conf:4: \"mtu\" is there already in line 2 (a list of values is "
	       "separated by spaces)");
	refuse(*state, "[network  web]\n[network web]\n",
	       "/l3vm.conf:2: network web is there twice");
	refuse(*state, "[network default]\n[network  default]\n",
	       "/l3vm.conf:2: network default is there twice");
}

static void syntax(void **state)
{
	const struct place *place = *state;

	refuse(place, "mtu = 1500\n", "/l3vm.conf:1: a key before the first [section]");
	refuse(place, "[l3vm\n",
	       "/l3vm.conf:1: a section is written like [network web]");
	refuse(place, "[]\n", "/l3vm.conf:1: a section is written like [network web]");
	refuse(place, "[a[b]\n",
	       "/l3vm.conf:1: a section is written like [network web]");
	refuse(place, "[l3vm] # x\n",
	       "/l3vm.conf:1: a section is written like [network web]");
	refuse(place, "[l3vm]\nprotocol\n",
	       "/l3vm.conf:2: \"protocol\" is no \"key = value\", no [section] and no "
	       "# comment");
	refuse(place, "[l3vm]\n= 5\n",
	       "/l3vm.conf:2: \"= 5\" is no \"key = value\", no [section] and no # "
	       "comment");
	refuse(place, "[l3vm]\n\n\xff\xfe\n", "/l3vm.conf:3: is not UTF-8 text");
	refuse(place, "[network]\n",
	       "/l3vm.conf:1: [network] needs a name (letters, digits, '.', '_' and "
	       "'-', at most 64)");
	refuse(place, "[network a/b]\n",
	       "/l3vm.conf:1: [network a/b] needs a name (letters, digits, '.', '_' "
	       "and '-', at most 64)");
	assert_true(g_file_set_contents(place->conf, "[l3vm]\n\0\n", 9, NULL));
	expect_error(place, "/l3vm.conf: has a NUL byte (it must be text)");
}

/* The complaint carries the escape harmlessly: base/error.h promises one line. */
static void control_characters(void **state)
{
	refuse_about(*state, "[net\x1bwork]\n", "a section is written like");
	refuse_about(*state, "[l3vm]\nx\x1b[31m = 1\n", "\\033");
}

static void odd_files(void **state)
{
	const struct place *place = *state;
	g_autofree char *big = g_malloc(1024 * 1024 + 1);

	memset(big, '#', 1024 * 1024 + 1);
	assert_true(g_file_set_contents(place->conf, big, 1024 * 1024 + 1, NULL));
	expect_error(place, "/l3vm.conf: is larger than 1 MiB");
	assert_true(g_file_set_contents(place->conf, big, 1024 * 1024, NULL));
	l3vm_config_free(l3vm_config_load(place->conf, NULL));
	g_remove(place->conf);
	assert_int_equal(g_mkdir(place->conf, 0755), 0);
	expect_error(place, "/l3vm.conf: is not a regular file");
	g_rmdir(place->conf);
	/* a FIFO must not stop us */
	assert_int_equal(mkfifo(place->conf, 0644), 0);
	expect_error(place, "/l3vm.conf: is not a regular file");
	g_remove(place->conf);
	/* a site may keep the file elsewhere */
	put_guests(place, "real", "[l3vm]\nprotocol = 78\n");
	assert_int_equal(symlink("guests.d/real", place->conf), 0);
	{
		g_autoptr(L3vmConfig) config = l3vm_config_load(place->conf, NULL);

		assert_non_null(config);
		assert_int_equal(config->protocol, 78);
	}
}

/* @lines of [l3vm], the part of the message that is expected. */
static void protocol_and_ranks(void **state)
{
	static const char *const cases[][2] = {
		{ "protocol = 256", "a number from 5 to 255" },
		{ "protocol = -1", "a number from 5 to 255" },
		{ "protocol = 4", "routes made by hand" },
		{ "protocol = 12", "number of bird" },
		{ "protocol = 186", "FRR's bgpd" },
		{ "rank-preferred = x", "must be a number" },
		{ "rank-normal = 4294967296", "must be a number" },
		{ "rank-preferred = 5", "less than rank-normal" },
		{ "rank-preferred = 0", "low 24 bits" },
		{ "rank-normal = 20", "less than 20" },
		{ "rank-normal = 32", "less than 20" },
		{ "rank-last = 100", "more than 0xfa000000" },
		{ "rank-last = 0xfa000000", "more than 0xfa000000" },
		{ "rank-last = 0xfb000000", "low 24 bits" },
		{ "rank-last = 0xfa000004", "must differ" },
		{ "rank-last = 0xfa000005", "must differ" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = g_strdup_printf("[l3vm]\n%s\n", cases[i][0]);

		refuse_about(*state, text, cases[i][1]);
	}
}

static void network_values(void **state)
{
	static const char *const cases[][2] = {
		{ "gateway4 = fe80::1", "not an IPv4 address" },
		{ "gateway4 = 10.0.0.0/8", "not an IPv4 address" },
		{ "gateway4 = 224.0.0.1", "is multicast" },
		{ "gateway4 = 127.0.0.1", "is loopback" },
		{ "gateway4 = 0.0.0.0", "must be a unicast address" },
		{ "gateway4 = 255.255.255.255", "must be a unicast address" },
		{ "gateway6 = 10.0.0.1", "not an IPv6 address" },
		{ "gateway6 = ff02::1", "is multicast" },
		{ "gateway6 = ::1", "is loopback" },
		{ "gateway6 = ::", "is unspecified" },
		{ "gateway-mac = 01:00:00:00:00:01", "unicast MAC" },
		{ "gateway-mac = 00:00:00:00:00:00", "unicast MAC" },
		{ "gateway-mac = 02:00:00:00:00", "unicast MAC" },
		{ "allow =", "must not be empty" },
		{ "allow = 10.0.0.5/16", "\"10.0.0.5/16\" is not a prefix" },
		{ "allow = 10.0.0.0/8, 10.1.0.0/16",
		  "\"10.0.0.0/8,\" is not a prefix" },
		{ "allow = 10.0.0.0/8 10.0.0.0/8", "is there twice" },
		{ "table = 0", "is no table" },
		{ "table = 253", "\"default\" table" },
		{ "table = default", "\"default\" table" },
		{ "table = 255", "\"local\" table" },
		{ "table = local", "\"local\" table" },
		{ "table = 76", "l3vm-agent" },
		{ "table = 4294967296", "neither a number" },
		{ "table = no-such-table", "neither a number" },
		{ "mtu = 67", "1280 to 65535" },
		{ "mtu = 65536", "1280 to 65535" },
		{ "mtu = 0", "1280 to 65535" },
		{ "mtu = 1279", "IPv6 does not work below 1280" },
		{ "proxy-arp = 1", "must be yes, no, true or false" },
		{ "learn = Yes", "must be yes, no, true or false" },
		{ "derive =", "must not be empty" },
		{ "derive = mac6", "\"mac6\" is not none, mac4" },
		{ "derive = mac4 none", "\"none\" is not" },
		{ "derive = eui64", "eui64 needs an IPv6 prefix of length 64" },
		{ "derive = eui64 2001:db8::/48", "eui64 needs" },
		{ "derive = eui64 ff02::/64", "eui64 needs" },
		{ "derive = embed4 2001:db8::/64", "embed4 needs" },
		{ "derive = embed4 10.0.0.0/8", "embed4 needs" },
		{ "announce = kernel kernel", "is there twice" },
		{ "announce = none kernel", "\"none\" is no announcer" },
		{ "cover = yes", "must be none, unreachable or blackhole" },
		{ "mode = bridge", "has mode = bridge but no bridge" },
		{ "announce = neighbour",
		  "needs uplinks = IFNAME in [announcer neigh" },
		{ "announce = exec", "needs command = PROGRAM in [announcer exec]" },
		{ "[announcer exek]", "no announcer of that name has settings (did" },
		{ "[announcer exec]\ncommand = true",
		  "not the full path of a program" },
		{ "[announcer neighbour]\nuplinks = a/b", "cannot be an interface" },
		{ "[announcer neighbour]\nuplinks = a b c d e", "are more than 4" },
		{ "[announcer neighbour]\nrefresh = 1s", "must be at least 10s" },
		{ "[announcer exabgp]\npipe = x", "must be a full path" },
		{ "routes-table = 76", "l3vm-agent" },
		{ "routes-table = main", "has routes-table = main" },
		{ "table = 100\nroutes-table = 77", "has both table and routes-table" },
		{ "bridge = br0", "has a bridge but mode = routed" },
		{ "mode = bridge\nbridge = a/b", "must be an interface name" },
		{ "mode = bridge\nbridge = sixteen-letters-",
		  "must be an interface name" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = g_strdup_printf("[network web]\n%s\n",
							cases[i][0]);

		refuse_about(*state, text, cases[i][1]);
	}
}

static void network_values_at_the_edge(void **state)
{
	g_autoptr(L3vmConfig) config = load(
		*state, "[network a]\ngateway4 = 169.254.255.1\ngateway6 = fd00::1\n"
			"mtu = 1280\ntable = 1\n"
			"[network b]\ngateway6 = febf::1\nmtu = 65535\ntable = main\n"
			"[network c]\ntable = 0xfe\nallow = 0.0.0.0/0 ::/0\n"
			"[network d]\nallow=10.0.0.5 2001:db8::5/128\n");
	const L3vmNetwork *a = l3vm_config_network(config, "a");
	const L3vmNetwork *d = l3vm_config_network(config, "d");

	assert_addr(&a->gateway4, "169.254.255.1");
	assert_addr(&a->gateway6, "fd00::1");
	assert_int_equal(a->mtu, 1280);
	assert_int_equal(a->table, 1);
	assert_int_equal(l3vm_config_network(config, "b")->table, 254);
	assert_int_equal(l3vm_config_network(config, "b")->mtu, 65535);
	assert_int_equal(l3vm_config_network(config, "c")->table, 254);
	assert_addr(&g_array_index(d->allow, L3vmAddr, 0), "10.0.0.5/32");
}

static void bridges(void **state)
{
	refuse(*state,
	       "[network a]\nmode = bridge\nbridge = br0\n"
	       "[network b]\nmode = bridge\nbridge = br0\n",
	       "/l3vm.conf:4: [network b] has bridge = br0, which network a has "
	       "already (each network needs its own)");
	refuse(*state,
	       "[network web]\n[network default]\nmode = bridge\nbridge = br0\n",
	       "/l3vm.conf:1: [network web] has mode = bridge but no bridge (add "
	       "bridge = NAME; it is not inherited)");
}

/* Whatever a file says, loading ends, without a leak or a stray access. */
static void random_damage(void **state)
{
	static const char text[] = "[l3vm]\nprotocol = 77\nhold-time = 30s\n"
				   "[network web]\nderive = mac4 eui64 2001:db8::/64\n"
				   "allow = 10.0.0.0/8 ::/0\nannounce = none\n";
	const struct place *place = *state;
	g_autoptr(GRand) rand = g_rand_new_with_seed(76);

	for (int round = 0; round < 2000; round++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(L3vmConfig) config = NULL;
		char copy[sizeof(text)];
		size_t size = sizeof(text) - 1;

		memcpy(copy, text, sizeof(text));
		for (int i = 0; i < 3; i++)
			copy[g_rand_int_range(rand, 0, (gint32)size)] =
				(char)g_rand_int_range(rand, 0, 256);
		if (round % 2)
			size = (size_t)g_rand_int_range(rand, 0, (gint32)size);
		g_file_set_contents_full(place->conf, copy, (gssize)size,
					 G_FILE_SET_CONTENTS_NONE, 0644, NULL);
		config = l3vm_config_load(place->conf, &error);
		assert_true((config == NULL) == (error != NULL));
		if (error)
			assert_null(strchr(error->message, '\n'));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(missing_file_means_defaults),
		CASE(empty_files_mean_defaults),
		CASE(every_key),
		CASE(inheritance),
		CASE(durations),
		CASE(unknown_words),
		CASE(duplicates),
		CASE(syntax),
		CASE(control_characters),
		CASE(odd_files),
		CASE(protocol_and_ranks),
		CASE(network_values),
		CASE(network_values_at_the_edge),
		CASE(bridges),
		CASE(random_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
