/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * watch-guest.c - frames of a guest whose arrival is awaited
 *
 * QEMU keeps a target's announcements until its processors run, so the first
 * frame out of the tap is the earliest sign that the guest is here. Looked at
 * are frames on the port's own interface, with its own MAC, while it is prepared.
 * A guest elsewhere cannot send those, and one that runs here has arrived.
 */
#include "agent.h"
#include "base/log.h"
#include "frame/arp.h"
#include "frame/capture.h"
#include "frame/cursor.h"
#include "frame/nd.h"

#include <errno.h>
#include <glib-unix.h>
#include <linux/if_ether.h>
#include <unistd.h>

/* Headers suffice. */
#define SNAP	    128
/* After the first evidence QEMU's and the guest's other announcements are noted:
 * for this long (QEMU's last one comes after 0.8 s), among this many frames. */
#define NOTE_TIME   1500 /* milliseconds */
#define NOTE_FRAMES 256
/* A guest that floods delays its own arrival and nothing else: after so many frames
 * within the time of a rest, be it in one turn or in many, its socket (which soon
 * refuses what comes) has one. */
#define LOOK_FRAMES 64
#define REST	    100 /* milliseconds */

struct Evidence {
	AgentPort *port;
	int fd;
	guint source, rest, timer;
	int64_t since;	 /* monotonic; frames are counted from here */
	unsigned looked; /* that many since */
	bool arrived;
	unsigned frames;  /* since then */
	GHashTable *seen; /* kinds, static strings */
};

static bool has_address(const L3vmPort *port, const L3vmAddr *addr)
{
	for (guint i = 0; i < port->addresses->len; i++)
		if (l3vm_addr_equal(&g_array_index(port->addresses, L3vmAddr, i), addr))
			return true;
	return false;
}

/* From an address of the port, or from none of note (a probe, link-local). */
static bool is_from(const L3vmPort *port, const L3vmAddr *source)
{
	return has_address(port, source) || !l3vm_addr_is_assignable(source, NULL);
}

static const char *evidence_in_arp(const L3vmPort *port, const void *frame, size_t size)
{
	L3vmArp arp;

	if (!l3vm_arp_parse(frame, size, &arp))
		return NULL;
	if (arp.op == L3VM_RARP_REQUEST)
		return "rarp";
	if (!is_from(port, &arp.sender))
		return NULL;
	return l3vm_arp_is_gratuitous(&arp) ? "garp" : "frame";
}

static const char *evidence_in_ip6(const L3vmPort *port, const void *frame, size_t size)
{
	L3vmReader reader = l3vm_reader(frame, size);
	uint8_t source[16];
	L3vmAddr addr;
	L3vmNa na;

	if (l3vm_na_parse(frame, size, &na) && !na.solicited)
		return is_from(port, &na.target) ? "na" : NULL;
	l3vm_read_skip(&reader, ETH_HLEN + 8);
	l3vm_read_bytes(&reader, source, sizeof(source));
	addr = l3vm_addr_from_bytes(AF_INET6, source, 128);
	return !reader.bad && is_from(port, &addr) ? "frame" : NULL;
}

static const char *evidence_in_ip4(const L3vmPort *port, const void *frame, size_t size)
{
	L3vmReader reader = l3vm_reader(frame, size);
	uint8_t source[4];
	L3vmAddr addr;

	l3vm_read_skip(&reader, ETH_HLEN + 12);
	l3vm_read_bytes(&reader, source, sizeof(source));
	addr = l3vm_addr_from_bytes(AF_INET, source, 32);
	return !reader.bad && is_from(port, &addr) ? "frame" : NULL;
}

const char *evidence_in(const L3vmPort *port, const void *frame, size_t size)
{
	L3vmReader reader = l3vm_reader(frame, size);
	uint16_t ethertype;
	L3vmMac source;

	l3vm_read_skip(&reader, ETH_ALEN);
	l3vm_read_bytes(&reader, source.bytes, sizeof(source.bytes));
	ethertype = l3vm_read_u16(&reader);
	if (reader.bad || !l3vm_mac_equal(&source, &port->mac))
		return NULL;
	switch (ethertype) {
	case ETH_P_ARP:
	case ETH_P_RARP:
		return evidence_in_arp(port, frame, size);
	case ETH_P_IPV6:
		return evidence_in_ip6(port, frame, size);
	case ETH_P_IP:
		return evidence_in_ip4(port, frame, size);
	default:
		return NULL;
	}
}

static void stop_looking(Evidence *evidence)
{
	if (evidence->source)
		g_source_remove(evidence->source);
	if (evidence->rest)
		g_source_remove(evidence->rest);
	if (evidence->timer)
		g_source_remove(evidence->timer);
	evidence->source = evidence->rest = evidence->timer = 0;
}

/* The first is what it is all about; of the others each kind is noted once. */
static void take_evidence(Evidence *evidence, const char *what, int64_t seen)
{
	AgentPort *port = evidence->port;

	if (!g_hash_table_add(evidence->seen, (void *)what))
		return;
	if (evidence->arrived)
		l3vm_event_note(port->agent->host->store, port->port, "evidence",
				"evidence", what, NULL);
	else
		agent_event(port->agent, port->port, L3VM_EVENT_ARRIVED, NULL, what,
			    seen);
}

static void look(Evidence *evidence);

static gboolean rested(void *data)
{
	Evidence *evidence = data;

	evidence->rest = 0;
	look(evidence);
	return G_SOURCE_REMOVE;
}

static void count_anew(Evidence *evidence)
{
	int64_t now = g_get_monotonic_time();

	if (now - evidence->since < REST * G_TIME_SPAN_MILLISECOND)
		return;
	evidence->since = now;
	evidence->looked = 0;
}

static gboolean frames_came(gint fd, GIOCondition condition, void *data)
{
	Evidence *evidence = data;
	uint8_t frame[SNAP];
	struct timespec when;
	size_t size;
	int result = 0;

	(void)condition;
	count_anew(evidence);
	while (evidence->looked < LOOK_FRAMES) {
		const char *what;

		result = l3vm_capture_read(fd, frame, sizeof(frame), &size, &when);
		if (result)
			break;
		evidence->looked++;
		what = evidence_in(evidence->port->port, frame,
				   MIN(size, sizeof(frame)));
		if (what)
			take_evidence(evidence, what,
				      (int64_t)when.tv_sec * G_USEC_PER_SEC +
					      when.tv_nsec / 1000);
		evidence->frames += evidence->arrived;
	}
	/* It is not up yet (a record is written before the interface is), went down,
	 * or away: the look-around finds out which. Told once; the socket works again
	 * when the interface is up (net/packet/af_packet.c:packet_notifier()). */
	if (result && result != EAGAIN)
		agent_sweep_soon(evidence->port->agent);
	if (result)
		return G_SOURCE_CONTINUE;
	evidence->source = 0;
	if (evidence->frames < NOTE_FRAMES)
		evidence->rest = g_timeout_add(REST, rested, evidence);
	return G_SOURCE_REMOVE;
}

static void look(Evidence *evidence)
{
	evidence->source = g_unix_fd_add_full(G_PRIORITY_HIGH, evidence->fd, G_IO_IN,
					      frames_came, evidence, NULL);
}

static gboolean noted_enough(void *data)
{
	Evidence *evidence = data;

	evidence->timer = 0;
	stop_looking(evidence);
	return G_SOURCE_REMOVE;
}

Evidence *evidence_new(AgentPort *port)
{
	g_autoptr(GError) error = NULL;
	Evidence *evidence;
	int fd = l3vm_capture_open(port->port->ifindex, &port->port->mac,
				   L3VM_CAPTURE_FROM_GUEST, &error);

	if (fd < 0) {
		l3vm_warn("%s: %s", port->name, error->message);
		return NULL;
	}
	evidence = g_new0(Evidence, 1);
	evidence->port = port;
	evidence->fd = fd;
	evidence->seen = g_hash_table_new(g_str_hash, g_str_equal);
	look(evidence);
	return evidence;
}

void evidence_arrived(Evidence *evidence)
{
	if (evidence->arrived)
		return;
	evidence->arrived = true;
	evidence->timer = g_timeout_add(NOTE_TIME, noted_enough, evidence);
}

void evidence_free(Evidence *evidence)
{
	if (!evidence)
		return;
	stop_looking(evidence);
	g_hash_table_unref(evidence->seen);
	close(evidence->fd);
	g_free(evidence);
}
