/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * guard.c - packets of a guest through a host with the guard, and through one without
 *
 *     guard [MANY [ROUNDS]]
 *
 * Two network namespaces exist at once, with as many ports each; the networks of one
 * are guarded. A packet is a frame that is written to a tap, as QEMU does it, and ends
 * in the full queue of another tap, which the host routes it to. The smallest packets,
 * a thousand a sample, of the two in turns.
 */
#include "bench.h"
#include "l3vm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MANY	10000
#define ROUNDS	300
#define WARM_UP 20
#define PACKETS 1000 /* a sample */

/* A bridge has at most 1024 ports (net/bridge/br_private.h). */
#define BRIDGED_MANY 1000

/* The gateway's MAC, l3vm.conf(5). */
#define ROUTER "\x02\x6c\x33\x76\x6d\x01"

typedef struct Frame {
	struct ether_header ether;
	union {
		struct {
			struct iphdr ip;
			struct udphdr udp;
		} four;
		struct {
			struct ip6_hdr ip;
			struct udphdr udp;
		} six;
	};
} __attribute__((packed)) Frame;

typedef struct Host {
	int sink;
	int tap; /* the first guest's */
	Frame frames[2];
	size_t sizes[2];
	GArray *samples[2];
} Host;

static const char *const families[] = { "IPv4", "IPv6" };

static uint16_t header_checksum(const struct iphdr *ip)
{
	uint16_t words[sizeof(*ip) / 2];
	uint32_t sum = 0;

	memcpy(words, ip, sizeof(*ip));
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

static void make_frames(Host *host, const BenchGuest *guest)
{
	struct udphdr udp = { .source = htons(5000),
			      .dest = htons(5001),
			      .len = htons(sizeof(udp)) };
	struct iphdr ip4 = { .version = 4,
			     .ihl = 5,
			     .tot_len = htons(sizeof(ip4) + sizeof(udp)),
			     .ttl = 64,
			     .protocol = IPPROTO_UDP };
	struct ip6_hdr ip6 = { .ip6_flow = htonl(6 << 28),
			       .ip6_plen = htons(sizeof(udp)),
			       .ip6_nxt = IPPROTO_UDP,
			       .ip6_hlim = 64 };
	struct ether_header ether = { .ether_dhost = ROUTER };

	if (sscanf(guest->mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &ether.ether_shost[0],
		   &ether.ether_shost[1], &ether.ether_shost[2], &ether.ether_shost[3],
		   &ether.ether_shost[4], &ether.ether_shost[5]) != 6)
		bench_die("%s: no MAC", guest->mac);
	inet_pton(AF_INET, guest->address4, &ip4.saddr);
	inet_pton(AF_INET, "198.51.100.1", &ip4.daddr);
	ip4.check = header_checksum(&ip4);
	inet_pton(AF_INET6, guest->address6, &ip6.ip6_src);
	inet_pton(AF_INET6, "2001:db8:99::1", &ip6.ip6_dst);
	host->frames[0] = (Frame){ .ether = ether, .four = { ip4, udp } };
	host->frames[0].ether.ether_type = htons(ETHERTYPE_IP);
	host->sizes[0] = sizeof(ether) + sizeof(ip4) + sizeof(udp);
	host->frames[1] = (Frame){ .ether = ether, .six = { ip6, udp } };
	host->frames[1].ether.ether_type = htons(ETHERTYPE_IPV6);
	host->sizes[1] = sizeof(ether) + sizeof(ip6) + sizeof(udp);
}

static void send_frames(const Host *host, unsigned family, unsigned n)
{
	const size_t size = host->sizes[family];

	while (n--)
		if (write(host->tap, &host->frames[family], size) != (ssize_t)size)
			bench_die("tap: %s", strerror(errno));
}

/* How many of the guest's packets wait in the other tap's queue; it is empty then. */
static unsigned arrived(const Host *host, unsigned family)
{
	uint8_t buffer[2048];
	unsigned n = 0;
	ssize_t size;

	/* the kernel's own packets have other sizes */
	while ((size = read(host->sink, buffer, sizeof(buffer))) > 0)
		n += size == (ssize_t)host->sizes[family];
	return n;
}

/* What is measured is what should be: the guest's own packets arrive, and forged ones
 * where there is no guard. */
static void check(Host *host, bool guarded)
{
	for (unsigned family = 0; family < 2; family++) {
		uint8_t *last = &host->frames[family].ether.ether_shost[5];
		unsigned n;

		send_frames(host, family, 10);
		*last ^= 1;
		send_frames(host, family, 10);
		*last ^= 1;
		n = arrived(host, family);
		if (n != (guarded ? 10 : 20))
			bench_die("%s: %u packets of 20 arrive", families[family], n);
	}
}

static void attach(L3vm *l3vm, const BenchGuest *guest)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(L3vmPort) port = l3vm_port_new(guest->name, NULL, &error);

	if (!port || !l3vm_port_set_ifname(port, guest->ifname, &error) ||
	    !l3vm_port_set_mac(port, guest->mac, &error) ||
	    !l3vm_port_add_address(port, guest->address4, &error) ||
	    !l3vm_port_add_address(port, guest->address6, &error) ||
	    !l3vm_attach(l3vm, &port, 1, L3VM_ATTACH_LIVE, &error))
		bench_die("%s", error->message);
}

static L3vm *open_library(const char *name, bool guarded, bool bridged)
{
	g_autofree char *config = g_build_filename(bench_env("BENCH_SCRATCH"),
						   "guard.conf", NULL);
	g_autofree char *state = g_build_filename(bench_env("BENCH_SCRATCH"), name,
						  NULL);
	g_autofree char *text = g_strdup_printf(
		"[network default]\n%sguard = %s\n",
		bridged ? "mode = bridge\nbridge = br0\n" : "", guarded ? "yes" : "no");
	g_autoptr(GError) error = NULL;
	L3vm *l3vm = NULL;

	if (g_file_set_contents(config, text, -1, &error))
		l3vm = l3vm_new(config, state, &error);
	if (!l3vm)
		bench_die("%s", error->message);
	return l3vm;
}

static Host *host_new(bool guarded, bool bridged, unsigned n)
{
	static const char *const uplink[] = {
		"/bin/sh", "-c",
		"ip link set sink up &&"
		" ip addr add 192.0.2.1/24 dev sink &&"
		" ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev sink &&"
		" ip neigh add fe80::2 lladdr 02:00:00:00:00:02 dev sink &&"
		" ip route add default via 192.0.2.2 &&"
		" ip -6 route add default via fe80::2 dev sink",
		NULL
	};
	g_autofree char *name = g_strdup_printf("guard-%d-%d-%u", guarded, bridged, n);
	BenchGuest first = bench_guest(1);
	Host *host = g_new0(Host, 1);
	L3vm *l3vm;

	bench_new_namespace();
	host->sink = bench_tap_add("sink");
	fcntl(host->sink, F_SETFL, O_NONBLOCK);
	bench_spawn(uplink, NULL);
	l3vm = open_library(name, guarded, bridged);
	for (unsigned i = 1; i <= n; i++) {
		BenchGuest guest = bench_guest(i);
		int tap = bench_tap_add(guest.ifname);

		attach(l3vm, &guest);
		if (i == 1)
			host->tap = tap;
		else
			bench_tap_release(tap);
	}
	l3vm_free(l3vm);
	make_frames(host, &first);
	check(host, guarded);
	host->samples[0] = bench_samples_new();
	host->samples[1] = bench_samples_new();
	return host;
}

static void host_free(Host *host)
{
	bench_tap_delete(host->tap);
	bench_tap_delete(host->sink);
	g_array_unref(host->samples[0]);
	g_array_unref(host->samples[1]);
	g_free(host);
}

static void sample(Host *host, unsigned family, bool counts)
{
	BenchTime start = bench_now();

	send_frames(host, family, PACKETS);
	start = bench_since(start);
	/* The kernel handles a packet while we write it: our processor time is all
	 * that it takes, whatever else the machine does. */
	start.wall = start.cpu;
	if (counts)
		bench_samples_add(host->samples[family], start);
}

static void report(const Host *guarded, const Host *open, unsigned family,
		   const Host *alone)
{
	/* Of IPv4 the kernel asks for the reverse path with a guard and without; of
	 * IPv6 it is the guard that does, which is half of what it costs. */
	const double limit = family ? 2.3 : 1.6;
	const char *what = families[family];
	g_autofree char *with = g_strdup_printf("%s, guarded", what);
	g_autofree char *without = g_strdup_printf("%s, without a guard", what);
	g_autofree char *ratio = g_strdup_printf("%s, guarded / without", what);
	g_autofree char *crowd = g_strdup_printf("%s, guarded, this many / one", what);

	bench_row(with, guarded->samples[family]);
	bench_row(without, open->samples[family]);
	bench_limit_ratio(ratio, guarded->samples[family], open->samples[family],
			  limit);
	if (alone)
		bench_limit_ratio(crowd, guarded->samples[family],
				  alone->samples[family], 1.3);
}

/* Returns the guarded host, to compare one with more ports to. */
static Host *run(unsigned n, bool bridged, unsigned rounds, const Host *alone)
{
	Host *guarded = host_new(true, bridged, n), *open = host_new(false, bridged, n);
	g_autofree char *title = g_strdup_printf("%d packets of one of %u ports, %s",
						 PACKETS, n,
						 bridged ? "bridge mode" : "routed");

	for (unsigned round = 0; round < WARM_UP + rounds; round++)
		for (unsigned family = 0; family < 2; family++) {
			sample(round % 2 ? guarded : open, family, round >= WARM_UP);
			sample(round % 2 ? open : guarded, family, round >= WARM_UP);
		}
	bench_title(title);
	report(guarded, open, 0, alone);
	report(guarded, open, 1, alone);
	host_free(open);
	return guarded;
}

int main(int argc, char **argv)
{
	unsigned many = argc > 1 ? (unsigned)atoi(argv[1]) : MANY;
	unsigned rounds = argc > 2 ? (unsigned)atoi(argv[2]) : ROUNDS;

	for (int bridged = 0; bridged < 2; bridged++) {
		Host *alone = run(1, bridged, rounds, NULL);

		host_free(run(100, bridged, rounds, alone));
		host_free(run(bridged ? MIN(many, BRIDGED_MANY) : many, bridged, rounds,
			      alone));
		host_free(alone);
	}
	return bench_status();
}
