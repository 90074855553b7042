/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * config.c - l3vm.conf as a whole, and its section [l3vm]
 *
 * A wrong setting in a router is seldom noticed where it stands, so nothing here
 * is guessed or passed over: what is not known, or cannot work, is an error.
 */
#include "store/config.h"

#include "base/clock.h"
#include "base/error.h"
#include "store/keyfile.h"
#include "store/section.h"
#include "store/value.h"

#include <linux/rtnetlink.h>
#include <string.h>

#define HOLD_TIME	(30 * L3VM_SECOND)
#define HOLD_BYTES	(4 * 1024 * 1024)
#define HOLD_TIME_LIMIT (5 * L3VM_SECOND)
/* QEMU loses what it read from the tap within the last milliseconds before the
 * guest stopped; twice what was seen under emulation. */
#define HOLD_REPLAY	(10 * L3VM_SECOND / 1000)
/* A switch may tell before its own forwarding has changed: 10 ms seen with FRR. */
#define HOLD_SETTLE	(20 * L3VM_SECOND / 1000)
#define ROUTE_PROTOCOL	76
#define RANK_PREFERRED	4
#define RANK_NORMAL	5
#define RANK_LAST	4194305000u /* 0xfa0003e8 */

/* What Calico's responder does: single announcements were found not to be enough. */
#define ANNOUNCE_REFRESH (120 * L3VM_SECOND)
/* Where Debian's package has them */
#define EXABGP_PIPE	 "/run/exabgp/exabgp"
/* sun_path of unix(7) */
#define SOCKET_PATH_SIZE 108

/* See "Rank" in ARCHITECTURE.md for the reasons of these three. */
#define RANK_FRR	20u	    /* metric of FRR's routes in the kernel */
#define RANK_LAST_FLOOR 0xfa000000u /* FRR: administrative distance 250 */
#define RANK_KEY	0xffffffu   /* the bits FRR tells kernel routes apart by */

/* --- [l3vm] ------------------------------------------------------------- */

/*
 * We delete whatever route carries our protocol number, so it must be nobody
 * else's. Numbers up to 4 have a meaning in the kernel.
 */
static const struct {
	uint8_t number;
	const char *owner;
} taken_protocols[] = {
	{ RTPROT_UNSPEC, "the kernel" },
	{ RTPROT_REDIRECT, "the kernel" },
	{ RTPROT_KERNEL, "the kernel" },
	{ RTPROT_BOOT, "routes made by hand" },
	{ RTPROT_STATIC, "routes made by hand" },
	{ RTPROT_GATED, "gated" },
	{ RTPROT_RA, "router advertisements" },
	{ RTPROT_MRT, "mrt" },
	{ RTPROT_ZEBRA, "zebra" },
	{ RTPROT_BIRD, "bird" },
	{ RTPROT_DNROUTED, "DECnet" },
	{ RTPROT_XORP, "xorp" },
	{ RTPROT_NTK, "netsukuku" },
	{ RTPROT_DHCP, "DHCP clients" },
	{ RTPROT_MROUTED, "multicast routing" },
	{ RTPROT_KEEPALIVED, "keepalived" },
	{ RTPROT_BABEL, "babel" },
	{ RTPROT_OPENR, "openr" },
	{ RTPROT_BGP, "FRR's bgpd" },
	{ RTPROT_ISIS, "FRR's isisd" },
	{ RTPROT_OSPF, "FRR's ospfd" },
	{ RTPROT_RIP, "FRR's ripd" },
	{ RTPROT_EIGRP, "FRR's eigrpd" },
};

static bool read_protocol(const L3vmValue *value, void *member, GError **error)
{
	uint32_t number;

	if (!l3vm_parse_u32(value->text, &number) || number > UINT8_MAX)
		return l3vm_value_fail(value, error, "must be a number from 5 to 255");
	for (size_t i = 0; i < G_N_ELEMENTS(taken_protocols); i++)
		if (number == taken_protocols[i].number)
			return l3vm_value_fail(
				value, error,
				"is the number of %s (we delete routes that "
				"have ours)",
				taken_protocols[i].owner);
	*(uint8_t *)member = (uint8_t)number;
	return true;
}

/* Directories are watched, so their names are needed as they are. */
static bool read_sockets(const L3vmValue *value, void *member, GError **error)
{
	g_auto(GStrv) words = l3vm_value_split(value, error);
	char ***sockets = member;

	for (guint i = 0; words && words[i]; i++) {
		g_autofree char *folder = g_path_get_dirname(words[i]);

		if (words[i][0] != '/' || g_str_has_suffix(words[i], "/"))
			return l3vm_value_fail(value, error,
					       "\"%.80s\" is not the full path of a "
					       "file",
					       words[i]);
		if (strpbrk(folder, "*?["))
			return l3vm_value_fail(value, error,
					       "\"%.80s\" has a wildcard in the name "
					       "of its directory (only the last part "
					       "may have any)",
					       words[i]);
	}
	if (!words)
		return false;
	g_strfreev(*sockets);
	*sockets = g_steal_pointer(&words);
	return true;
}

static bool read_socket(const L3vmValue *value, void *member, GError **error)
{
	char **path = member;

	if (*value->text != '/' || strlen(value->text) >= SOCKET_PATH_SIZE)
		return l3vm_value_fail(value, error,
				       "must be the full path of a socket, of less "
				       "than %d bytes",
				       SOCKET_PATH_SIZE);
	g_free(*path);
	*path = g_strdup(value->text);
	return true;
}

#define MEMBER(name) offsetof(L3vmConfig, name)

static const L3vmKeyReader readers[] = {
	{ "protocol", read_protocol, MEMBER(protocol) },
	{ "hold-time", l3vm_value_duration, MEMBER(hold_time) },
	{ "hold", l3vm_value_bool, MEMBER(hold) },
	{ "hold-bytes", l3vm_value_u32, MEMBER(hold_bytes) },
	{ "hold-time-limit", l3vm_value_duration, MEMBER(hold_time_limit) },
	{ "hold-replay", l3vm_value_duration, MEMBER(hold_replay) },
	{ "hold-settle", l3vm_value_duration, MEMBER(hold_settle) },
	{ "arrival-timeout", l3vm_value_duration, MEMBER(arrival_timeout) },
	{ "qmp-sockets", read_sockets, MEMBER(qmp_sockets) },
	{ "bird-socket", read_socket, MEMBER(bird_socket) },
	{ "frr-socket", read_socket, MEMBER(frr_socket) },
	{ "rank-preferred", l3vm_value_u32, MEMBER(ranks.preferred) },
	{ "rank-normal", l3vm_value_u32, MEMBER(ranks.normal) },
	{ "rank-last", l3vm_value_u32, MEMBER(ranks.last) },
};

/* What speaks against the three, or NULL. */
static const char *rank_problem(const L3vmRanks *ranks)
{
	uint32_t preferred = ranks->preferred & RANK_KEY;
	uint32_t normal = ranks->normal & RANK_KEY, last = ranks->last & RANK_KEY;

	if (ranks->preferred >= ranks->normal)
		return "rank-preferred must be less than rank-normal";
	/* BIRD's 32 is above FRR's 20, so it needs no test of its own. */
	if (ranks->normal >= RANK_FRR)
		return "rank-normal must be less than 20, the metric of FRR's routes "
		       "(BIRD's is 32)";
	if (ranks->last <= RANK_LAST_FLOOR)
		return "rank-last must be more than 0xfa000000, or FRR prefers it to "
		       "BGP";
	if (!preferred || !normal || !last)
		return "no rank may be zero in its low 24 bits, which FRR tells routes "
		       "apart by";
	if (last == preferred || last == normal)
		return "the ranks must differ in their low 24 bits, which FRR tells "
		       "routes apart by";
	return NULL;
}

/* The ranks are checked together, once all are known. */
static bool read_l3vm(const L3vmKeyFile *file, const L3vmKeyLine *line,
		      L3vmConfig *config, GError **error)
{
	const char *problem;

	if (!l3vm_keyfile_read(file, line, readers, G_N_ELEMENTS(readers), config,
			       error))
		return false;
	problem = rank_problem(&config->ranks);
	return !problem || l3vm_line_fail(file, line, error, "[l3vm]: %s", problem);
}

/* --- the file ----------------------------------------------------------- */

bool l3vm_section_unknown(const L3vmKeyFile *file, const L3vmKeyLine *line,
			  const char *const *kinds, size_t n, GError **error)
{
	g_autofree char *kind = g_strndup(line->group, strcspn(line->group, " \t"));
	g_autofree char *hint = l3vm_did_you_mean(kind, kinds, n);

	return l3vm_line_fail(file, line, error, "unknown section [%.80s]%s",
			      line->group, hint);
}

/*
 * Unknown sections first: a misspelt [network web] is the reason for errors that
 * would be told otherwise.
 */
static bool read_file(const L3vmKeyFile *file, L3vmConfig *config, GError **error)
{
	static const char *const kinds[] = { "l3vm", "network", "announcer" };

	for (guint i = 0; i < file->lines->len; i++) {
		const L3vmKeyLine *line = l3vm_keyfile_line(file, i);

		if (line->key || l3vm_section_name(line->group, "network") ||
		    l3vm_section_name(line->group, "announcer"))
			continue;
		if (strcmp(line->group, "l3vm"))
			return l3vm_section_unknown(file, line, kinds,
						    G_N_ELEMENTS(kinds), error);
		if (!read_l3vm(file, line, config, error))
			return false;
	}
	return l3vm_sections_announcer(file, config, error) &&
	       l3vm_sections_network(file, config, error);
}

/* What holds without a file. */
static L3vmConfig *new_config(const char *path)
{
	L3vmConfig *config = g_new0(L3vmConfig, 1);

	config->path = g_strdup(path);
	config->protocol = ROUTE_PROTOCOL;
	config->hold_time = HOLD_TIME;
	config->hold = true;
	config->hold_bytes = HOLD_BYTES;
	config->hold_time_limit = HOLD_TIME_LIMIT;
	config->hold_replay = HOLD_REPLAY;
	config->hold_settle = HOLD_SETTLE;
	config->announcing.refresh = ANNOUNCE_REFRESH;
	config->announcing.exabgp_pipe = g_strdup(EXABGP_PIPE);
	config->ranks = (L3vmRanks){ RANK_PREFERRED, RANK_NORMAL, RANK_LAST };
	config->networks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
						 (GDestroyNotify)l3vm_network_free);
	config->nics =
		g_ptr_array_new_with_free_func((GDestroyNotify)l3vm_nic_config_free);
	g_hash_table_insert(config->networks, g_strdup("default"),
			    l3vm_network_new("default"));
	return config;
}

L3vmConfig *l3vm_config_load(const char *path, GError **error)
{
	g_autoptr(L3vmConfig) config = new_config(path);
	g_autofree char *folder = g_path_get_dirname(path);
	g_autofree char *guests = g_build_filename(folder, "guests.d", NULL);
	g_autoptr(L3vmKeyFile) file = NULL;

	if (!l3vm_keyfile_load(path, &file, error))
		return NULL;
	if (file && !read_file(file, config, error))
		return NULL;
	/* After the networks, which it refers to. */
	if (!l3vm_sections_nic(guests, config, error))
		return NULL;
	return g_steal_pointer(&config);
}

void l3vm_config_free(L3vmConfig *config)
{
	if (!config)
		return;
	g_free(config->path);
	g_strfreev(config->qmp_sockets);
	g_strfreev(config->announcing.uplinks);
	g_free(config->announcing.exabgp_pipe);
	g_strfreev(config->announcing.exec);
	g_free(config->bird_socket);
	g_free(config->frr_socket);
	g_hash_table_unref(config->networks);
	g_ptr_array_unref(config->nics);
	g_free(config);
}

/* --- asking it ---------------------------------------------------------- */

const L3vmNetwork *l3vm_config_network(const L3vmConfig *config, const char *name)
{
	return g_hash_table_lookup(config->networks, name);
}

/* There are few networks, and this is asked once per NIC. */
const L3vmNetwork *l3vm_config_bridge(const L3vmConfig *config, const char *bridge)
{
	GHashTableIter iter;
	gpointer network;

	g_hash_table_iter_init(&iter, config->networks);
	while (bridge && g_hash_table_iter_next(&iter, NULL, &network)) {
		const L3vmNetwork *candidate = network;

		if (!g_strcmp0(candidate->bridge, bridge))
			return candidate;
	}
	return NULL;
}

/*
 * How well @nic fits: 0 not at all. The MAC counts more than the guest: it stays
 * with the NIC, while a tap's name is the next guest's tomorrow.
 */
static unsigned fit(const L3vmNicConfig *nic, const char *guest, const L3vmMac *mac,
		    const char *ifname)
{
	bool by_mac = nic->has_mac && mac && l3vm_mac_equal(&nic->mac, mac);
	bool by_name = nic->ifname && ifname && !strcmp(nic->ifname, ifname) &&
		       !(nic->has_mac && mac);

	if (!(by_mac || by_name) || (nic->guest && g_strcmp0(nic->guest, guest)))
		return 0;
	return (by_mac ? 3u : 1u) + (nic->guest ? 1u : 0u);
}

/* Of two that fit equally the first counts; that cannot be: section-nic.c. */
const L3vmNicConfig *l3vm_config_nic(const L3vmConfig *config, const char *guest,
				     const L3vmMac *mac, const char *ifname)
{
	const L3vmNicConfig *found = NULL;
	unsigned best = 0;

	for (guint i = 0; i < config->nics->len; i++) {
		const L3vmNicConfig *nic = config->nics->pdata[i];
		unsigned quality = fit(nic, guest, mac, ifname);

		if (quality > best) {
			best = quality;
			found = nic;
		}
	}
	return found;
}
