/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hold.c - a leaving guest's packets, kept until they can follow it
 *
 * Between the guest's stop here and the moment when the fabric knows its new
 * place, packets for it keep coming here. In time order:
 *
 *   migration begins  the tap's outgoing frames are watched, the last moments of
 *                     them remembered (the ring)
 *   guest stops       one route for each of its addresses leads into the tun;
 *                     what comes is kept. QEMU has frames that it took from the
 *                     tap and did not hand over, and on a busy host there are
 *                     frames that it had not yet taken: these are lost with it
 *   fabric's route    the daemon installs the new route in main. But a switch may
 *                     announce a route before its own forwarding has changed, and
 *                     would send back to us what we send to it, until its TTL is
 *                     over. So one packet goes first, as a scout: if it comes back,
 *                     it is kept again and another try made a little later
 *   it is away        the diversion ends, and what the ring has from shortly before
 *                     the stop on, or from the first that QEMU did not take, then
 *                     what was kept, is sent after the guest
 *   or it runs again  the migration failed: what was kept is delivered to the tap
 *
 * A packet that arrives twice does no harm, one that is missing does.
 */
#include "agent.h"
#include "base/clock.h"
#include "base/log.h"
#include "frame/capture.h"
#include "scout.h"

#include <errno.h>
#include <glib-unix.h>
#include <linux/if_ether.h>
#include <linux/virtio_net.h>
#include <string.h>
#include <unistd.h>

#define VNET	   sizeof(struct virtio_net_hdr)
/* How far back the ring reaches: the news of the stop may be late. */
#define RING_TIME  (G_USEC_PER_SEC / 2)
/* How often it is compared with what QEMU has taken. */
#define TAKEN_TIME (G_USEC_PER_SEC / 100)
#define QUICK_TIME (G_USEC_PER_SEC / 5000)
/* After a scout came back, microseconds until the next. */
#define RETRY_TIME 5000
/* After the guest's port is gone, milliseconds. */
#define LEFT_TIME  1000
/* What the metric of a route that stands in for one of the last rank differs in. */
#define STAND_IN   (1U << 24)

typedef struct Packet {
	int64_t when;	 /* microseconds since 1970 */
	uint64_t number; /* in the ring: of all frames that the tap was given */
	size_t size;
	uint8_t bytes[]; /* virtio_net_hdr and IP packet */
} Packet;

/* One address or prefix of the port. */
typedef struct Destination {
	Hold *hold;
	L3vmAddr addr;
	bool diverted;
	bool standing_in; /* announced although its tap may be gone */
	bool announced;	  /* the fabric's route is there */
	guint settle;	  /* a scout is out; timer until it counts as away */
	Scout *scout;	  /* the one that is out, or NULL */
	GQueue packets;	  /* kept; of Packet* */
	int64_t kept, replayed, delivered, dropped; /* packets, counted */
} Destination;

struct Hold {
	Agent *agent;
	char *name;	/* of the port's record */
	L3vmPort *port; /* as it was when it began to leave */
	int fd;		/* capture; -1: none */
	guint source;
	guint limit;	  /* timer until everything is released */
	GQueue ring;	  /* of Packet* */
	uint64_t given;	  /* frames that the tap was given since we look */
	uint64_t taken;	  /* number of the last of these that QEMU took */
	int64_t least;	  /* given less the tap's count of taken, its queue empty */
	int64_t compared; /* when, monotonic; 0: never */
	size_t in_ring;	  /* bytes */
	int64_t stopped;  /* microseconds since 1970; 0: it runs */
	size_t bytes;	  /* kept */
	GPtrArray *destinations;
};

/* --- packets ------------------------------------------------------------------ */

static Packet *packet_new(const void *bytes, size_t size, int64_t when)
{
	Packet *packet = g_malloc(sizeof(*packet) + size);

	packet->when = when;
	packet->size = size;
	memcpy(packet->bytes, bytes, size);
	return packet;
}

static bool is_for(const Destination *destination, const uint8_t *ip)
{
	L3vmAddr to = ip[0] >> 4 == 4 ? l3vm_addr_from_bytes(AF_INET, ip + 16, 32)
				      : l3vm_addr_from_bytes(AF_INET6, ip + 24, 128);

	return l3vm_prefix_contains(&destination->addr, &to);
}

/* A captured frame without its Ethernet header; the offsets in front of it
 * count from the IP header then. */
static Packet *packet_from_frame(const uint8_t *frame, size_t size, int64_t when)
{
	struct virtio_net_hdr header;
	Packet *packet;

	if (size < VNET + ETH_HLEN + 40)
		return NULL;
	packet = packet_new(frame + ETH_HLEN, size - ETH_HLEN, when);
	memcpy(&header, frame, VNET);
	if (header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		header.csum_start = (uint16_t)(header.csum_start - ETH_HLEN);
	if (header.gso_type != VIRTIO_NET_HDR_GSO_NONE)
		header.hdr_len = (uint16_t)(header.hdr_len - ETH_HLEN);
	memcpy(packet->bytes, &header, VNET);
	return packet;
}

static void send_packet(Destination *destination, const Packet *packet)
{
	Tun *tun = destination->hold->agent->tun;

	if (tun_write(tun, packet->bytes, packet->size))
		destination->delivered++;
	else
		destination->dropped++;
}

/* --- the ring ------------------------------------------------------------------ */

static void trim_ring(Hold *hold, int64_t now)
{
	const Packet *oldest;

	/* after the stop it only grows by what came before the diversion */
	while ((oldest = g_queue_peek_head(&hold->ring)) &&
	       (hold->in_ring > hold->agent->host->config->hold_bytes ||
		(!hold->stopped && oldest->when < now - RING_TIME))) {
		hold->in_ring -= oldest->size;
		g_free(g_queue_pop_head(&hold->ring));
	}
}

/*
 * Of what the tap was given QEMU has not taken as much as given and taken differ now
 * more than they do when the queue is empty; sooner or later it was. What is given
 * and taken between @asked, when the last frame was read, and the look at the counter
 * would pass for not taken: a look that took long is not one at an empty queue.
 */
static void compare_taken(Hold *hold, int64_t asked)
{
	L3vmKernel *kernel = hold->agent->host->kernel;
	uint64_t taken;
	int64_t difference;
	bool quick;

	hold->given += l3vm_capture_missed(hold->fd);
	if (!kernel->ops->taken(kernel, hold->port->ifindex, &taken))
		return;
	difference = (int64_t)(hold->given - taken);
	quick = g_get_monotonic_time() < asked + QUICK_TIME;
	if (!hold->compared || (quick && difference < hold->least))
		hold->least = difference;
	hold->taken = hold->given - (uint64_t)MAX(difference - hold->least, 0);
	hold->compared = asked;
}

static void read_ring(Hold *hold)
{
	static uint8_t frame[VNET + ETH_HLEN + 65536];
	struct timespec when;
	int64_t asked = 0;
	size_t size;

	while (hold->fd >= 0 && (asked = g_get_monotonic_time()) &&
	       !l3vm_capture_read(hold->fd, frame, sizeof(frame), &size, &when)) {
		int64_t time = (int64_t)when.tv_sec * G_USEC_PER_SEC +
			       when.tv_nsec / 1000;
		Packet *packet = size <= sizeof(frame)
					 ? packet_from_frame(frame, size, time)
					 : NULL;

		hold->given++;
		if (packet) {
			packet->number = hold->given;
			hold->in_ring += packet->size;
			g_queue_push_tail(&hold->ring, packet);
		}
		trim_ring(hold, time);
	}
	if (asked && asked >= hold->compared + TAKEN_TIME)
		compare_taken(hold, asked);
}

static gboolean frames_came(gint fd, GIOCondition condition, void *data)
{
	Hold *hold = data;

	(void)fd;
	read_ring(hold);
	if (!(condition & (G_IO_ERR | G_IO_HUP)))
		return G_SOURCE_CONTINUE;
	hold->source = 0; /* the interface is gone */
	return G_SOURCE_REMOVE;
}

/* The guest may not have got it. */
static bool is_unsure(const Destination *destination, const Packet *packet)
{
	const Hold *hold = destination->hold;

	return (packet->when >=
			hold->stopped - hold->agent->host->config->hold_replay ||
		(hold->compared && packet->number > hold->taken)) &&
	       is_for(destination, packet->bytes + VNET);
}

static void replay_ring(Destination *destination)
{
	Hold *hold = destination->hold;

	for (GList *at = hold->ring.head; at; at = at->next) {
		const Packet *packet = at->data;

		if (is_unsure(destination, packet)) {
			send_packet(destination, packet);
			destination->replayed++;
		}
	}
}

/* --- diversion and release --------------------------------------------------- */

static void divert(Destination *destination, bool on)
{
	g_autoptr(GError) error = NULL;

	if (destination->diverted == on)
		return;
	if (!tun_route(destination->hold->agent->tun, &destination->addr,
		       L3VM_TABLE_HOLD, 1, !on, on, &error))
		l3vm_warn("hold: %s", error->message);
	else
		destination->diverted = on;
}

/*
 * The route that is announced goes with the tap, when QEMU ends. In a deep fabric
 * that is too early: a withdrawal travels faster than the way to the new host is
 * found, and a router between would be without any route. Another one, of the same
 * rank and into the tun, is announced until then. It differs from the tap's in what
 * FRR takes for an administrative distance, so FRR takes it for the same route, and
 * has to be told again of what is left when the tap's goes.
 */
static void stand_in(Destination *destination, bool before, bool after)
{
	const Hold *hold = destination->hold;
	g_autoptr(GError) error = NULL;

	if (destination->standing_in == before &&
	    !tun_route(hold->agent->tun, &destination->addr, hold->port->net->table,
		       hold->agent->host->ranks.last ^ STAND_IN, before, after, &error))
		l3vm_warn("hold: %s", error->message);
	destination->standing_in = after;
}

static void deliver(Destination *destination)
{
	Packet *packet;

	while ((packet = g_queue_pop_head(&destination->packets))) {
		destination->hold->bytes -= packet->size;
		send_packet(destination, packet);
		g_free(packet);
	}
}

static void report(Destination *destination, const char *reason)
{
	Agent *agent = destination->hold->agent;
	char text[L3VM_ADDR_STRLEN];

	l3vm_event_note(agent->host->store, destination->hold->port, "hold-release",
			"reason", reason, "dst",
			l3vm_prefix_format(&destination->addr, text), "#replayed",
			destination->replayed, "#kept", destination->kept, "#delivered",
			destination->delivered, "#dropped", destination->dropped, NULL);
	agent->held += destination->kept;
	agent->delivered += destination->delivered;
	agent->dropped += destination->dropped;
	destination->kept = destination->replayed = 0;
	destination->delivered = destination->dropped = 0;
}

/* The first that has to be sent after the guest, or NULL. */
static const Packet *first_packet(const Destination *destination)
{
	const Hold *hold = destination->hold;

	for (GList *at = hold->ring.head; at; at = at->next)
		if (is_unsure(destination, at->data))
			return at->data;
	return g_queue_peek_head((GQueue *)&destination->packets);
}

static void send_scout(Destination *destination);

/* The kernel's routes lead to the guest again, here or there. What was on its way
 * to the tap when the guest stopped is sent again only if the guest is there. */
static void release(Destination *destination, const char *reason, bool replay)
{
	if (destination->settle)
		g_source_remove(destination->settle);
	destination->settle = 0;
	g_clear_pointer(&destination->scout, scout_free);
	if (!destination->diverted)
		return;
	divert(destination, false);
	if (replay)
		replay_ring(destination);
	deliver(destination);
	report(destination, reason);
}

static void release_all(Hold *hold, const char *reason, bool replay)
{
	read_ring(hold);
	for (guint i = 0; i < hold->destinations->len; i++)
		release(g_ptr_array_index(hold->destinations, i), reason, replay);
}

static void destroy(Hold *hold)
{
	if (hold->source)
		g_source_remove(hold->source);
	if (hold->fd >= 0)
		close(hold->fd);
	if (hold->limit)
		g_source_remove(hold->limit);
	for (guint i = 0; i < hold->destinations->len; i++)
		stand_in(g_ptr_array_index(hold->destinations, i), true, false);
	g_queue_clear_full(&hold->ring, g_free);
	g_ptr_array_unref(hold->destinations);
	l3vm_port_free(hold->port);
	g_free(hold->name);
	g_ptr_array_remove(hold->agent->holds, hold);
	if (!hold->agent->holds->len)
		agent_hear_routes(hold->agent, false);
	g_free(hold);
}

static gboolean settled(void *data)
{
	Destination *destination = data;

	destination->settle = 0;
	read_ring(destination->hold);
	release(destination, "route", true);
	return G_SOURCE_REMOVE;
}

static gboolean try_again(void *data)
{
	Destination *destination = data;

	destination->settle = 0;
	send_scout(destination);
	return G_SOURCE_REMOVE;
}

static void after(Destination *destination, int64_t delay, GSourceFunc then)
{
	if (destination->settle)
		g_source_remove(destination->settle);
	destination->settle = g_timeout_add((guint)(delay / 1000), then, destination);
}

/* Without anything to send there is nothing that could be lost: it just waits. */
static void send_scout(Destination *destination)
{
	Tun *tun = destination->hold->agent->tun;
	const Packet *packet;

	read_ring(destination->hold);
	packet = first_packet(destination);
	g_clear_pointer(&destination->scout, scout_free);
	if (packet) {
		destination->scout = scout_new(packet->bytes, packet->size);
		tun_write(tun, packet->bytes, packet->size);
	}
	after(destination, destination->hold->agent->host->config->hold_settle,
	      settled);
}

/* True if the packet is the scout, come back. It is still at the head of what will
 * be sent, so this one need not be kept. */
static bool scout_returns(Destination *destination, const void *packet, size_t size)
{
	if (!destination->scout || !scout_is(destination->scout, packet, size))
		return false;
	after(destination, RETRY_TIME, try_again);
	return true;
}

static gboolean limit_reached(void *data)
{
	Hold *hold = data;

	hold->limit = 0;
	l3vm_warn(
		"%s: packets were held for as long as hold-time-limit allows: no other "
		"host announces the guest",
		hold->name);
	release_all(hold, "limit", true);
	return G_SOURCE_REMOVE;
}

static void add_destinations(Hold *hold, const GArray *addrs)
{
	for (guint i = 0; i < addrs->len; i++) {
		Destination *destination = g_new0(Destination, 1);

		destination->hold = hold;
		destination->addr = g_array_index(addrs, L3vmAddr, i);
		g_queue_init(&destination->packets);
		g_ptr_array_add(hold->destinations, destination);
	}
}

Hold *hold_new(AgentPort *port)
{
	g_autoptr(GError) error = NULL;
	Hold *hold = g_new0(Hold, 1);

	hold->agent = port->agent;
	agent_hear_routes(hold->agent, true);
	hold->name = g_strdup(port->name);
	hold->port = l3vm_port_copy(port->port);
	hold->destinations = g_ptr_array_new_with_free_func(g_free);
	add_destinations(hold, port->port->addresses);
	add_destinations(hold, port->port->prefixes);
	g_queue_init(&hold->ring);
	hold->fd = l3vm_capture_open(port->port->ifindex, &port->port->mac,
				     L3VM_CAPTURE_TO_GUEST, &error);
	if (hold->fd < 0)
		l3vm_warn("%s: %s", port->name, error->message);
	else
		hold->source = g_unix_fd_add(hold->fd, G_IO_IN, frames_came, hold);
	g_ptr_array_add(port->agent->holds, hold);
	return hold;
}

static gboolean left_for_long(void *data)
{
	Hold *hold = data;

	hold->limit = 0;
	release_all(hold, "left", true);
	destroy(hold);
	return G_SOURCE_REMOVE;
}

/*
 * The port of a guest that moved goes when its QEMU ends, some 50 ms after the guest
 * runs elsewhere. A daemon may need longer to bring the new route: for LEFT_TIME the
 * old one is still announced, and until then, or for as long in a fabric that sends
 * default routes only, its packets are kept.
 */
void hold_part(Hold *hold)
{
	if (!hold)
		return;
	if (!hold->stopped) {
		destroy(hold);
		return;
	}
	if (hold->limit)
		g_source_remove(hold->limit);
	hold->limit = g_timeout_add(LEFT_TIME, left_for_long, hold);
}

void hold_end_all(Agent *agent)
{
	while (agent->holds->len) {
		Hold *hold = g_ptr_array_index(agent->holds, 0);

		release_all(hold, "left", true);
		destroy(hold);
	}
}

/* The guest may be announced elsewhere before the news of its stop comes. */
static void follow_route(Destination *destination)
{
	if (destination->diverted && destination->announced && !destination->settle)
		send_scout(destination);
}

void hold_start(Hold *hold, int64_t when, const char *evidence)
{
	L3vmStore *store = hold->agent->host->store;
	const L3vmConfig *config = hold->agent->host->config;
	char stopped[L3VM_TIME_STRLEN], diverted[L3VM_TIME_STRLEN];

	if (hold->stopped)
		return;
	/* first of all: each packet that still reaches the tap has to be replayed */
	for (guint i = 0; i < hold->destinations->len; i++)
		divert(g_ptr_array_index(hold->destinations, i), true);
	hold->stopped = when ? when : l3vm_now();
	hold->compared -= TAKEN_TIME; /* once more, now that it takes no more */
	read_ring(hold);
	l3vm_event_note(store, hold->port, "hold-start", "evidence", evidence,
			"stopped", l3vm_time_format(hold->stopped, stopped), "diverted",
			l3vm_time_format(l3vm_now(), diverted), NULL);
	hold->limit = g_timeout_add((guint)(config->hold_time_limit / 1000),
				    limit_reached, hold);
	for (guint i = 0; i < hold->destinations->len; i++) {
		stand_in(g_ptr_array_index(hold->destinations, i), false, true);
		follow_route(g_ptr_array_index(hold->destinations, i));
	}
}

void hold_abort(Hold *hold)
{
	if (!hold->stopped)
		return;
	/* what reached the tap is still there for it */
	release_all(hold, "aborted", false);
	hold->stopped = 0;
	if (hold->limit)
		g_source_remove(hold->limit);
	hold->limit = 0;
}

static L3vmObject route_of(const Destination *destination)
{
	return (L3vmObject){ .kind = L3VM_OBJECT_ROUTE,
			     .addr = destination->addr,
			     .table = destination->hold->port->net->table };
}

static void route_came(Destination *destination, const L3vmNotification *notification)
{
	destination->announced = !notification->gone;
	follow_route(destination);
}

static void withdrawn(Destination *destination, const L3vmNotification *notification)
{
	if (destination->standing_in &&
	    notification->route.metric == destination->hold->agent->host->ranks.last)
		stand_in(destination, true, true);
}

void hold_route(Agent *agent, const L3vmNotification *notification)
{
	bool ours = notification->protocol == agent->host->protocol;

	for (guint i = 0; i < agent->holds->len; i++) {
		Hold *hold = g_ptr_array_index(agent->holds, i);

		for (guint j = 0; j < hold->destinations->len; j++) {
			Destination *d = g_ptr_array_index(hold->destinations, j);

			if (!l3vm_addr_equal(&d->addr, &notification->route.addr))
				continue;
			if (!ours)
				route_came(d, notification);
			else if (notification->gone)
				withdrawn(d, notification);
		}
	}
}

/* No notification may have told of them. */
static void look_at(Hold *hold, const L3vmSet *others)
{
	for (guint i = 0; i < hold->destinations->len; i++) {
		Destination *d = g_ptr_array_index(hold->destinations, i);
		const L3vmObject route = route_of(d);

		d->announced = l3vm_set_find(others, &route);
		follow_route(d);
		if (d->standing_in)
			stand_in(d, true, true);
	}
}

void hold_look(Agent *agent)
{
	L3vmKernel *kernel = agent->host->kernel;
	g_autoptr(L3vmSet) routes = l3vm_set_new();
	g_autoptr(L3vmSet) others = l3vm_set_new();
	g_autoptr(GError) error = NULL;

	for (guint i = 0; i < agent->holds->len; i++) {
		const Hold *hold = g_ptr_array_index(agent->holds, i);

		for (guint j = 0; j < hold->destinations->len; j++) {
			const L3vmObject route =
				route_of(g_ptr_array_index(hold->destinations, j));

			l3vm_set_put(routes, &route);
		}
	}
	if (!kernel->ops->find_others(kernel, routes, others, &error)) {
		l3vm_warn("hold: %s", error->message);
		return;
	}
	for (guint i = 0; i < agent->holds->len; i++)
		look_at(g_ptr_array_index(agent->holds, i), others);
}

bool port_is_held(const AgentPort *port)
{
	return port->hold && port->hold->stopped;
}

static Destination *find(const Agent *agent, const L3vmAddr *addr)
{
	for (guint i = 0; i < agent->holds->len; i++) {
		const Hold *hold = g_ptr_array_index(agent->holds, i);

		for (guint j = 0; j < hold->destinations->len; j++) {
			Destination *d = g_ptr_array_index(hold->destinations, j);

			if (d->diverted && l3vm_prefix_contains(&d->addr, addr))
				return d;
		}
	}
	return NULL;
}

bool hold_packet(Agent *agent, const L3vmAddr *to, const void *packet, size_t size)
{
	Destination *destination = find(agent, to);
	Hold *hold = destination ? destination->hold : NULL;

	if (!destination)
		return false;
	if (scout_returns(destination, packet, size))
		return true;
	if (hold->bytes + size > hold->agent->host->config->hold_bytes) {
		destination->dropped++;
		return true;
	}
	g_queue_push_tail(&destination->packets, packet_new(packet, size, 0));
	hold->bytes += size;
	destination->kept++;
	return true;
}
