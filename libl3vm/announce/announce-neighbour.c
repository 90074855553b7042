/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * announce-neighbour.c - guests as neighbours on the uplink
 *
 * For plain layer-2 uplinks, and for routers above that make host routes of their
 * neighbour tables. Every address of a guest here is on the uplink at the uplink's
 * MAC: said by gratuitous ARP and unsolicited neighbour advertisements when the guest
 * comes and a few times more, again from time to time (caches forget, and some miss
 * what is said once), and again when the uplink was down; and answered for.
 *
 * While no uplink has a carrier, nothing is confirmed: nobody hears it.
 *
 * There are no ranks here: whoever spoke last has the guest. So a host that a guest is
 * about to leave says nothing any more of its own accord; it answers while the guest
 * runs there, and is then told that it has no rank.
 */
/* syscalls: close ioctl socket */
#include "announce/announcer.h"
#include "base/error.h"
#include "base/log.h"
#include "frame/arp.h"
#include "frame/capture.h"
#include "frame/nd.h"

#include <errno.h>
#include <glib-unix.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* When, after a guest came: as QEMU's own announcements, the first may be lost, and a
 * receiver may ignore one that comes too soon after another. Microseconds. */
static const int64_t steps[] = { 0, 200000, 1200000, 3000000 };
/* How often the steps are looked at, in milliseconds. */
#define TICK 50

/* So many questions are read before anything else has its turn: not even a storm on the
 * uplink keeps guests from being looked after. */
#define TURN 64

typedef struct Neighbour Neighbour;

typedef struct Uplink {
	Neighbour *owner;
	const char *ifname;
	unsigned ifindex;
	L3vmMac mac;
	bool running; /* there, up, with carrier */
	int fd;	      /* of the questions; -1: none */
	guint source;
} Uplink;

typedef struct Entry {
	L3vmAddr addr;
	L3vmRank rank;
	bool speaks;  /* and does not only answer */
	int64_t came; /* monotonic */
	guint step;   /* the next one */
	bool queued;
} Entry;

struct Neighbour {
	L3vmAnnouncer base;
	L3vmInjector *injector, *answers;
	Uplink *uplinks;
	guint n_uplinks;
	GHashTable *entries; /* &entry->addr -> Entry*, owned */
	GQueue due;	     /* of Entry*, borrowed: to be said now */
	guint n_new;	     /* entries with steps ahead */
	guint tick, turn, refresh;
};

/* --- saying ------------------------------------------------------------------- */

/* What is told of an address on each uplink: some receivers update their cache on
 * ARP requests only, some on replies. */
static unsigned frames_of(const Entry *entry)
{
	return entry->addr.family == AF_INET ? 2 : 1;
}

/* A frame that cannot be sent is not missed for long: it is said again. */
static void say_on(Neighbour *neighbour, const Uplink *uplink, const Entry *entry)
{
	static const L3vmArpOp forms[] = { L3VM_ARP_REQUEST, L3VM_ARP_REPLY };
	uint8_t frame[L3VM_NA_FRAME_SIZE];
	size_t size;

	if (entry->addr.family == AF_INET6) {
		size = l3vm_na_build_unsolicited(frame, sizeof(frame), &uplink->mac,
						 &entry->addr, false);
		l3vm_inject(neighbour->injector, uplink->ifindex, frame, size, NULL);
		return;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
		size = l3vm_arp_build_gratuitous(frame, sizeof(frame), &uplink->mac,
						 &entry->addr, forms[i]);
		l3vm_inject(neighbour->injector, uplink->ifindex, frame, size, NULL);
	}
}

static void say(Neighbour *neighbour, Entry *entry)
{
	entry->queued = false;
	for (guint i = 0; i < neighbour->n_uplinks; i++)
		if (neighbour->uplinks[i].running)
			say_on(neighbour, &neighbour->uplinks[i], entry);
}

/* As many as the injector's pace allows; the others wait for it. */
static gboolean take_turns(void *data)
{
	Neighbour *neighbour = data;
	const Entry *head;
	int64_t wait = 0;

	neighbour->turn = 0;
	while ((head = g_queue_peek_head(&neighbour->due))) {
		wait = l3vm_injector_wait(neighbour->injector,
					  frames_of(head) * neighbour->n_uplinks);
		if (wait)
			break;
		say(neighbour, g_queue_pop_head(&neighbour->due));
	}
	if (head)
		neighbour->turn = g_timeout_add((guint)(wait / 1000 + 1), take_turns,
						neighbour);
	return G_SOURCE_REMOVE;
}

/* Who came just now goes before who is said again. */
static void queue(Neighbour *neighbour, Entry *entry, bool first)
{
	if (entry->queued)
		return;
	entry->queued = true;
	if (first)
		g_queue_push_head(&neighbour->due, entry);
	else
		g_queue_push_tail(&neighbour->due, entry);
	if (!neighbour->turn)
		take_turns(neighbour);
}

static void take_step(Neighbour *neighbour, Entry *entry)
{
	bool first = !entry->step;

	if (++entry->step == G_N_ELEMENTS(steps))
		neighbour->n_new--;
	queue(neighbour, entry, first);
}

static gboolean tick(void *data)
{
	Neighbour *neighbour = data;
	int64_t now = g_get_monotonic_time();
	GHashTableIter iter;
	void *value;

	g_hash_table_iter_init(&iter, neighbour->entries);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		Entry *entry = value;

		if (entry->speaks && entry->step < G_N_ELEMENTS(steps) &&
		    now - entry->came >= steps[entry->step])
			take_step(neighbour, entry);
	}
	if (neighbour->n_new)
		return G_SOURCE_CONTINUE;
	neighbour->tick = 0;
	return G_SOURCE_REMOVE;
}

/* All of its steps from now on. */
static void speak(Neighbour *neighbour, Entry *entry)
{
	if (!entry->speaks || entry->step == G_N_ELEMENTS(steps))
		neighbour->n_new++;
	entry->speaks = true;
	entry->came = g_get_monotonic_time();
	entry->step = 0;
	take_step(neighbour, entry);
	if (!neighbour->tick)
		neighbour->tick = g_timeout_add(TICK, tick, neighbour);
}

static void hush(Neighbour *neighbour, Entry *entry)
{
	if (entry->speaks && entry->step < G_N_ELEMENTS(steps))
		neighbour->n_new--;
	entry->speaks = false;
	if (entry->queued)
		g_queue_remove(&neighbour->due, entry);
	entry->queued = false;
}

static gboolean refresh(void *data)
{
	Neighbour *neighbour = data;
	GHashTableIter iter;
	void *value;

	g_hash_table_iter_init(&iter, neighbour->entries);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		if (((Entry *)value)->speaks)
			queue(neighbour, value, false);
	return G_SOURCE_CONTINUE;
}

static bool is_heard(const Neighbour *neighbour)
{
	bool heard = false;

	for (guint i = 0; i < neighbour->n_uplinks; i++)
		heard |= neighbour->uplinks[i].running;
	return heard;
}

static void confirm(Neighbour *neighbour, const L3vmAddr *dst, L3vmRank rank)
{
	neighbour->base.taken(&neighbour->base, dst, rank,
			      rank == L3VM_RANK_NONE || is_heard(neighbour)
				      ? NULL
				      : "no uplink is up");
}

static void neighbour_set(L3vmAnnouncer *announcer, const L3vmAddr *dst, L3vmRank rank)
{
	Neighbour *neighbour = (Neighbour *)announcer;
	Entry *entry = g_hash_table_lookup(neighbour->entries, dst);

	/* nobody asks for a prefix: it is reached by the guest's address */
	if (l3vm_addr_is_host(dst) && rank != L3VM_RANK_NONE && !entry) {
		entry = g_new0(Entry, 1);
		entry->addr = *dst;
		g_hash_table_insert(neighbour->entries, &entry->addr, entry);
	}
	if (entry)
		entry->rank = rank;
	if (entry && rank == L3VM_RANK_NONE) {
		hush(neighbour, entry);
		g_hash_table_remove(neighbour->entries, dst);
	} else if (entry && rank == L3VM_RANK_LAST) {
		hush(neighbour, entry);
	} else if (entry) {
		speak(neighbour, entry);
	}
	confirm(neighbour, dst, rank);
}

/* --- answering ---------------------------------------------------------------- */

static bool is_ours(const Neighbour *neighbour, const L3vmAddr *addr)
{
	return g_hash_table_contains(neighbour->entries, addr);
}

/* Of an address that is not ours nothing is said, nor to ourselves. */
static size_t answer_to(const Uplink *uplink, const uint8_t *question, size_t size,
			uint8_t *frame, size_t room)
{
	L3vmArp arp;
	L3vmNs ns;

	if (l3vm_arp_parse(question, size, &arp))
		return is_ours(uplink->owner, &arp.target) &&
				       !l3vm_arp_is_gratuitous(&arp) &&
				       !l3vm_mac_equal(&arp.eth_src, &uplink->mac)
			       ? l3vm_arp_build_answer(frame, room, &uplink->mac, &arp)
			       : 0;
	if (l3vm_ns_parse(question, size, &ns))
		return is_ours(uplink->owner, &ns.target) &&
				       !l3vm_mac_equal(&ns.eth_src, &uplink->mac)
			       ? l3vm_na_build_answer(frame, room, &uplink->mac, &ns)
			       : 0;
	return 0;
}

static gboolean questions_came(gint fd, GIOCondition condition, void *data)
{
	Uplink *uplink = data;
	L3vmInjector *injector = uplink->owner->answers;
	uint8_t question[128], frame[L3VM_NA_FRAME_SIZE];
	struct timespec when;
	size_t size, made;

	(void)condition;
	for (int i = 0; i < TURN; i++) {
		if (l3vm_capture_read(fd, question, sizeof(question), &size, &when))
			break;
		made = answer_to(uplink, question, MIN(size, sizeof(question)), frame,
				 sizeof(frame));
		/* who is not answered asks again; a flood is not answered */
		if (made && !l3vm_injector_wait(injector, 1))
			l3vm_inject(injector, uplink->ifindex, frame, made, NULL);
	}
	return G_SOURCE_CONTINUE;
}

/* --- uplinks ------------------------------------------------------------------- */

static void stop_listening(Uplink *uplink)
{
	if (uplink->source)
		g_source_remove(uplink->source);
	if (uplink->fd >= 0)
		close(uplink->fd);
	uplink->source = 0;
	uplink->fd = -1;
}

static void listen_on(Uplink *uplink)
{
	g_autoptr(GError) error = NULL;

	uplink->fd = l3vm_capture_open(uplink->ifindex, NULL, L3VM_CAPTURE_QUESTIONS,
				       &error);
	if (uplink->fd < 0) {
		l3vm_warn("%s: questions for guests are not answered: %s",
			  uplink->ifname, error->message);
		return;
	}
	uplink->source = g_unix_fd_add(uplink->fd, G_IO_IN, questions_came, uplink);
}

/* Its index, its MAC and whether it is running, now. */
static bool look_at(const char *ifname, unsigned *ifindex, L3vmMac *mac)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq flags = { .ifr_flags = 0 }, address = { .ifr_flags = 0 };
	bool running;

	g_strlcpy(flags.ifr_name, ifname, sizeof(flags.ifr_name));
	g_strlcpy(address.ifr_name, ifname, sizeof(address.ifr_name));
	*ifindex = if_nametoindex(ifname);
	running = fd >= 0 && *ifindex && !ioctl(fd, SIOCGIFFLAGS, &flags) &&
		  !ioctl(fd, SIOCGIFHWADDR, &address) &&
		  address.ifr_hwaddr.sa_family == ARPHRD_ETHER &&
		  (flags.ifr_flags & IFF_UP) && (flags.ifr_flags & IFF_RUNNING);
	memcpy(mac->bytes, address.ifr_hwaddr.sa_data, sizeof(mac->bytes));
	if (fd >= 0)
		close(fd);
	return running;
}

/* True if what was said before may have been heard by nobody. */
static bool update(Uplink *uplink)
{
	unsigned ifindex;
	L3vmMac mac;
	bool running = look_at(uplink->ifname, &ifindex, &mac);
	bool news = running && (!uplink->running || ifindex != uplink->ifindex ||
				!l3vm_mac_equal(&mac, &uplink->mac));

	if (!running || ifindex != uplink->ifindex)
		stop_listening(uplink);
	uplink->running = running;
	uplink->ifindex = ifindex;
	uplink->mac = mac;
	if (running && uplink->fd < 0)
		listen_on(uplink);
	return news;
}

static void neighbour_link(L3vmAnnouncer *announcer, const char *ifname)
{
	Neighbour *neighbour = (Neighbour *)announcer;
	bool was_heard = is_heard(neighbour), news = false, turned;
	GHashTableIter iter;
	void *value;

	for (guint i = 0; i < neighbour->n_uplinks; i++)
		if (!ifname || !strcmp(neighbour->uplinks[i].ifname, ifname))
			news |= update(&neighbour->uplinks[i]);
	turned = was_heard != is_heard(neighbour);
	if (!news && !turned)
		return;
	g_hash_table_iter_init(&iter, neighbour->entries);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		Entry *entry = value;

		if (news && entry->speaks)
			speak(neighbour, entry);
		if (turned)
			confirm(neighbour, &entry->addr, entry->rank);
	}
}

/* --- life --------------------------------------------------------------------- */

static void neighbour_close(L3vmAnnouncer *announcer)
{
	Neighbour *neighbour = (Neighbour *)announcer;
	guint sources[] = { neighbour->tick, neighbour->turn, neighbour->refresh };

	for (size_t i = 0; i < G_N_ELEMENTS(sources); i++)
		if (sources[i])
			g_source_remove(sources[i]);
	for (guint i = 0; i < neighbour->n_uplinks; i++)
		stop_listening(&neighbour->uplinks[i]);
	g_queue_clear(&neighbour->due);
	g_hash_table_unref(neighbour->entries);
	l3vm_injector_free(neighbour->injector);
	l3vm_injector_free(neighbour->answers);
	g_free(neighbour->uplinks);
	g_free(neighbour);
}

static L3vmAnnouncer *neighbour_open(const L3vmAnnouncing *settings, GError **error)
{
	g_autoptr(L3vmInjector) injector = l3vm_injector_new(error);
	g_autoptr(L3vmInjector) answers = injector ? l3vm_injector_new(error) : NULL;
	Neighbour *neighbour;

	if (!answers)
		return NULL;
	neighbour = g_new0(Neighbour, 1);
	neighbour->base.ops = &l3vm_announcer_neighbour;
	neighbour->injector = g_steal_pointer(&injector);
	neighbour->answers = g_steal_pointer(&answers);
	neighbour->entries = g_hash_table_new_full(l3vm_addr_hash, l3vm_addr_equals,
						   NULL, g_free);
	g_queue_init(&neighbour->due);
	neighbour->n_uplinks = g_strv_length(settings->uplinks);
	neighbour->uplinks = g_new0(Uplink, neighbour->n_uplinks);
	for (guint i = 0; i < neighbour->n_uplinks; i++) {
		neighbour->uplinks[i].owner = neighbour;
		neighbour->uplinks[i].ifname = settings->uplinks[i];
		neighbour->uplinks[i].fd = -1;
		update(&neighbour->uplinks[i]);
	}
	neighbour->refresh = g_timeout_add((guint)(settings->refresh / 1000), refresh,
					   neighbour);
	return &neighbour->base;
}

const L3vmAnnouncerOps l3vm_announcer_neighbour = {
	.name = "neighbour",
	.open = neighbour_open,
	.close = neighbour_close,
	.set = neighbour_set,
	.link = neighbour_link,
};
