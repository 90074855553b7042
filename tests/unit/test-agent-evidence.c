/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-agent-evidence.c - which frames prove that a guest is here, and which do not */
#include "agent.h"
#include "frame/arp.h"
#include "frame/nd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAC	  0x52, 0x54, 0, 0, 0, 5
#define BROADCAST 0xff, 0xff, 0xff, 0xff, 0xff, 0xff
#define ROUTER	  0x02, 0x6c, 0x33, 0x76, 0x6d, 0x01
/* 2001:db8::5, fe80::5054:ff:fe00:5, ff02::1 */
#define OWN6	  0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5
#define LOCAL6	  0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0x50, 0x54, 0, 0xff, 0xfe, 0, 0, 5
#define NODES6	  0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1
#define NONE6	  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0

/* --- what the tests need of the agent ------------------------------------------ */

void agent_event(Agent *agent, const L3vmPort *port, L3vmEvent event,
		 const L3vmPort *as_of, const char *evidence, int64_t seen)
{
	(void)agent, (void)port, (void)event, (void)as_of, (void)evidence, (void)seen;
}

void agent_sweep_soon(Agent *agent)
{
	(void)agent;
}

/* --- frames --------------------------------------------------------------------- */

struct sample {
	const char *name;
	size_t size;
	uint8_t bytes[96];
	const char *evidence;
	/* what is left of it in a frame of fewer bytes says nothing */
	size_t needed;
};

/* clang-format off */
static struct sample samples[] = {
	{ "QEMU's RARP", 60,
	  { BROADCAST, MAC, 0x80, 0x35, 0, 1, 8, 0, 6, 4, 0, 3, MAC, 0, 0, 0, 0, MAC },
	  "rarp", 42 },
	{ "gratuitous ARP, request", 60, { 0 }, "garp", 42 },
	{ "gratuitous ARP, reply", 60, { 0 }, "garp", 42 },
	{ "ARP probe", 42,
	  { BROADCAST, MAC, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, MAC, 0, 0, 0, 0,
	    0, 0, 0, 0, 0, 0, 10, 0, 0, 5 }, "frame", 42 },
	{ "ARP for the gateway", 42,
	  { BROADCAST, MAC, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, MAC, 10, 0, 0, 5,
	    0, 0, 0, 0, 0, 0, 169, 254, 0, 1 }, "frame", 42 },
	{ "unsolicited neighbour advertisement", 86, { 0 }, "na", 38 },
	{ "IPv4", 54,
	  { ROUTER, MAC, 8, 0, 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 5,
	    192, 0, 2, 2 }, "frame", 30 },
	{ "DHCP, from no address", 54,
	  { BROADCAST, MAC, 8, 0, 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 17, 0, 0, 0, 0, 0, 0,
	    255, 255, 255, 255 }, "frame", 30 },
	{ "IPv6", 60,
	  { ROUTER, MAC, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 6, 59, 64, OWN6, NODES6 },
	  "frame", 38 },
	{ "duplicate address detection", 78,
	  { ROUTER, MAC, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 24, 58, 255, NONE6, NODES6,
	    135 },
	  "frame", 38 },
	{ "router solicitation", 70,
	  { ROUTER, MAC, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 16, 58, 255, LOCAL6, NODES6,
	    133 },
	  "frame", 38 },
};
/* clang-format on */

static const L3vmMac guest_mac = { { MAC } };

static L3vmAddr addr_of(const char *text)
{
	L3vmAddr addr;

	assert_true(l3vm_addr_parse(text, &addr));
	return addr;
}

static int make_port(void **state)
{
	L3vmAddr own4 = addr_of("10.0.0.5"), own6 = addr_of("2001:db8::5");
	L3vmPort *port = l3vm_port_new("vm1", NULL, NULL);

	assert_true(l3vm_port_set_ifname(port, "tapvm1", NULL));
	assert_true(l3vm_port_set_mac(port, "52:54:00:00:00:05", NULL));
	assert_true(l3vm_port_add_address(port, "10.0.0.5", NULL));
	assert_true(l3vm_port_add_address(port, "2001:db8::5", NULL));
	l3vm_arp_build_gratuitous(samples[1].bytes, 60, &guest_mac, &own4,
				  L3VM_ARP_REQUEST);
	l3vm_arp_build_gratuitous(samples[2].bytes, 60, &guest_mac, &own4,
				  L3VM_ARP_REPLY);
	l3vm_na_build_unsolicited(samples[5].bytes, 86, &guest_mac, &own6, false);
	*state = port;
	return 0;
}

static int free_port(void **state)
{
	l3vm_port_free(*state);
	return 0;
}

/* On a heap copy of exactly @size bytes: the sanitizer guards its end. */
static const char *evidence(const L3vmPort *port, const uint8_t *frame, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	const char *what;

	assert_non_null(copy);
	memcpy(copy, frame, size);
	what = evidence_in(port, copy, size);
	free(copy);
	return what;
}

/* --- tests ------------------------------------------------------------------------ */

static void each_kind(void **state)
{
	for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
		const struct sample *sample = &samples[i];
		const char *what = evidence(*state, sample->bytes, sample->size);

		if (g_strcmp0(what, sample->evidence))
			print_error("%s: %s\n", sample->name, what);
		assert_string_equal(what, sample->evidence);
	}
}

/* A frame that is cut says the same as the whole, less, or nothing. */
static void every_truncation(void **state)
{
	for (size_t i = 0; i < G_N_ELEMENTS(samples); i++)
		for (size_t size = 0; size < samples[i].size; size++) {
			const char *what = evidence(*state, samples[i].bytes, size);

			if (size < samples[i].needed && what)
				print_error("%s, %zu bytes: %s\n", samples[i].name,
					    size, what);
			assert_true(size >= samples[i].needed || !what);
			assert_true(!what || !strcmp(what, samples[i].evidence) ||
				    !strcmp(what, "frame"));
		}
}

static bool is_own(const uint8_t *bytes, bool six)
{
	static const uint8_t own4[] = { 10, 0, 0, 5 }, own6[] = { OWN6 };
	L3vmAddr addr = l3vm_addr_from_bytes(six ? AF_INET6 : AF_INET, bytes,
					     six ? 128 : 32);

	return !memcmp(bytes, six ? own6 : own4, six ? 16 : 4) ||
	       !l3vm_addr_is_assignable(&addr, NULL);
}

/* What holds of all evidence, by a reading of the frame that knows no module. */
static bool is_plausible(const uint8_t *frame, const char *what)
{
	unsigned type = (unsigned)frame[12] << 8 | frame[13];

	if (memcmp(frame + 6, guest_mac.bytes, 6) != 0)
		return false;
	switch (type) {
	case 0x0806:
	case 0x8035:
		return !memcmp(frame + 22, guest_mac.bytes, 6) &&
		       (frame[21] == 3 || is_own(frame + 28, false));
	case 0x0800:
		return !strcmp(what, "frame") && is_own(frame + 26, false);
	case 0x86dd:
		return is_own(frame + (strcmp(what, "na") ? 22 : 62), true);
	}
	return false;
}

static void every_mutation(void **state)
{
	unsigned still = 0, gone = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(samples); i++)
		for (size_t at = 0; at < samples[i].size; at++)
			for (unsigned value = 0; value < 256; value++) {
				uint8_t frame[96];
				const char *what;

				memcpy(frame, samples[i].bytes, sizeof(frame));
				frame[at] = (uint8_t)value;
				what = evidence(*state, frame, samples[i].size);
				if (what && !is_plausible(frame, what))
					print_error("%s, byte %zu is %u: %s\n",
						    samples[i].name, at, value, what);
				assert_true(!what || is_plausible(frame, what));
				what ? still++ : gone++;
			}
	/* both happen, so something was tested */
	assert_true(still > 1000 && gone > 1000);
}

static void assert_nothing(const L3vmPort *port, const char *name, size_t at,
			   const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
		uint8_t frame[96];
		const char *what;

		if (!strstr(samples[i].name, name))
			continue;
		memcpy(frame, samples[i].bytes, sizeof(frame));
		memcpy(frame + at, bytes, n);
		what = evidence(port, frame, samples[i].size);
		if (what)
			print_error("%s, changed at %zu: %s\n", samples[i].name, at,
				    what);
		assert_null(what);
	}
}

/* What another guest could send, or this one to be taken for another. */
static void hostile(void **state)
{
	static const uint8_t other_mac[] = { 0x52, 0x54, 0, 0, 0, 6 };
	static const uint8_t other4[] = { 10, 0, 0, 6 }, tag[] = { 0x81, 0x00 };
	static const uint8_t lldp[] = { 0x88, 0xcc };
	uint8_t other6[] = { OWN6 }, na[L3VM_NA_FRAME_SIZE];
	L3vmAddr other = addr_of("2001:db8::6");

	other6[15] = 6;
	assert_nothing(*state, "", 6, other_mac, 6);
	assert_nothing(*state, "RARP", 22, other_mac, 6);
	assert_nothing(*state, "gratuitous", 22, other_mac, 6);
	assert_nothing(*state, "gratuitous", 28, other4, 4);
	assert_nothing(*state, "gateway", 28, other4, 4);
	assert_nothing(*state, "IPv4", 26, other4, 4);
	assert_nothing(*state, "IPv6", 22, other6, 16);
	assert_nothing(*state, "", 12, tag, 2);
	assert_nothing(*state, "", 12, lldp, 2);
	/* with a checksum that is right */
	assert_int_equal(l3vm_na_build_unsolicited(na, sizeof(na), &guest_mac, &other,
						   false),
			 sizeof(na));
	assert_null(evidence(*state, na, sizeof(na)));
}

/* Each byte of the port's own is in it by chance only: for the sanitizers. */
static void noise(void **state)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(76);

	for (unsigned i = 0; i < 200000; i++) {
		const struct sample *sample =
			&samples[g_rand_int_range(rand, 0, G_N_ELEMENTS(samples))];
		size_t size = (size_t)g_rand_int_range(rand, 14, 96);
		uint8_t frame[96] = { 0 };
		const char *what;

		memcpy(frame, sample->bytes, sample->size);
		for (int n = g_rand_int_range(rand, 1, 12); n > 0; n--)
			frame[g_rand_int_range(rand, 14, 96)] =
				(uint8_t)g_rand_int(rand);
		what = evidence(*state, frame, size);
		assert_true(!what || is_plausible(frame, what));
	}
}

static void port_without_addresses(void **state)
{
	g_autoptr(L3vmPort) port = l3vm_port_new("vm1", NULL, NULL);

	(void)state;
	assert_true(l3vm_port_set_mac(port, "52:54:00:00:00:05", NULL));
	assert_string_equal(evidence(port, samples[0].bytes, 60), "rarp");
	assert_string_equal(evidence(port, samples[7].bytes, 54), "frame");
	assert_null(evidence(port, samples[1].bytes, 60));
	assert_null(evidence(port, samples[6].bytes, 54));
	assert_null(evidence(port, samples[8].bytes, 60));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, make_port, free_port)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(each_kind),      CASE(every_truncation),
		CASE(every_mutation), CASE(hostile),
		CASE(noise),	      CASE(port_without_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
