/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * announcing.c - the announcers that live in the agent, and what they are to announce
 *
 * What is wanted follows from the records alone. An announcer that fails, or that
 * keeps silent about what it was told, is closed, opened again after a while (longer
 * each time), and told everything anew: there is no other way to be sure of what it
 * has. What is not so yet is on record for `l3vm status` (store/announced.h).
 */
#include "agent.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/announced.h"

#include <string.h>
#include <unistd.h>

/* Seconds until an announcer is opened again, doubled each time. */
#define BACKOFF_MIN 1
#define BACKOFF_MAX 30
/* How long one may take to confirm what it was told, in seconds. */
#define PATIENCE    10
/* Changes come in bursts; one file serves a burst, in milliseconds. */
#define SAVE_DELAY  20

/* A destination, and what it shall be and is. */
typedef struct Want {
	L3vmAddr dst;
	char *owner;	  /* record name of the port that has it */
	L3vmRank rank;	  /* wanted */
	L3vmRank has;	  /* confirmed */
	unsigned unheard; /* told, and not confirmed yet */
	bool refused;
} Want;

typedef struct Announcing {
	Agent *agent;
	const L3vmAnnouncerOps *ops;
	L3vmAnnouncer *announcer; /* NULL: not up */
	GHashTable *wants;	  /* &want->dst -> Want*, owned */
	char *problem;
	unsigned unheard; /* of all wants */
	unsigned backoff; /* seconds */
	guint retry, patience, save, again;
	bool over; /* it failed, and is closed when it is safe */
} Announcing;

static void want_free(void *data)
{
	Want *want = data;

	g_free(want->owner);
	g_free(want);
}

/* --- on record ---------------------------------------------------------------- */

static gboolean save(void *data)
{
	Announcing *announcing = data;
	g_auto(L3vmAnnounced) state = {
		.up = announcing->announcer != NULL,
		.time = l3vm_now(),
		.problem = g_strdup(announcing->problem),
		.count = g_hash_table_size(announcing->wants),
		.pending = g_ptr_array_new_with_free_func(g_free),
	};
	g_autoptr(GError) error = NULL;
	char text[L3VM_ADDR_STRLEN];
	GHashTableIter iter;
	void *value;

	announcing->save = 0;
	g_hash_table_iter_init(&iter, announcing->wants);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const Want *want = value;

		if (want->rank != want->has && state.pending->len < L3VM_PENDING_MAX)
			g_ptr_array_add(state.pending,
					g_strdup(l3vm_prefix_format(&want->dst, text)));
	}
	if (!l3vm_announced_save(announcing->agent->host->store, announcing->ops->name,
				 &state, &error))
		l3vm_warn("%s", error->message);
	return G_SOURCE_REMOVE;
}

static void save_soon(Announcing *announcing)
{
	if (!announcing->save)
		announcing->save = g_timeout_add(SAVE_DELAY, save, announcing);
}

static void set_problem(Announcing *announcing, const char *problem)
{
	if (problem && g_strcmp0(problem, announcing->problem))
		l3vm_warn("announcer %s: %s", announcing->ops->name, problem);
	if (!problem && announcing->problem)
		l3vm_warn("announcer %s: is well again", announcing->ops->name);
	g_free(announcing->problem);
	announcing->problem = g_strdup(problem);
	save_soon(announcing);
}

/* --- telling ------------------------------------------------------------------- */

static gboolean too_silent(void *data);

static void tell(Announcing *announcing, Want *want)
{
	if (!announcing->announcer || announcing->over)
		return;
	want->unheard++;
	announcing->unheard++;
	if (!announcing->patience)
		announcing->patience = g_timeout_add_seconds(PATIENCE, too_silent,
							     announcing);
	announcing->ops->set(announcing->announcer, &want->dst, want->rank);
}

static void be_patient(Announcing *announcing)
{
	if (announcing->patience)
		g_source_remove(announcing->patience);
	announcing->patience = announcing->unheard
				       ? g_timeout_add_seconds(PATIENCE, too_silent,
							       announcing)
				       : 0;
}

/* All, in any order, or those that were refused. */
static void tell_all(Announcing *announcing, bool refused_only)
{
	g_autoptr(GPtrArray) wants = g_ptr_array_new();
	GHashTableIter iter;
	void *value;

	/* a backend that confirms at once may make the table change */
	g_hash_table_iter_init(&iter, announcing->wants);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		if (!refused_only || ((Want *)value)->refused)
			g_ptr_array_add(wants, value);
	for (guint i = 0; i < wants->len; i++)
		tell(announcing, wants->pdata[i]);
}

static gboolean tell_refused(void *data)
{
	Announcing *announcing = data;

	announcing->again = 0;
	tell_all(announcing, true);
	return G_SOURCE_REMOVE;
}

/* Somebody may set right what is wrong with it. */
static void refused(Announcing *announcing, const char *why)
{
	set_problem(announcing, why);
	if (!announcing->again)
		announcing->again = g_timeout_add_seconds(BACKOFF_MAX, tell_refused,
							  announcing);
}

static void taken(L3vmAnnouncer *announcer, const L3vmAddr *dst, L3vmRank rank,
		  const char *refusal)
{
	Announcing *announcing = announcer->data;
	Want *want = g_hash_table_lookup(announcing->wants, dst);

	announcing->unheard -= announcing->unheard > 0;
	be_patient(announcing);
	if (!want)
		return;
	want->unheard -= want->unheard > 0;
	want->refused = refusal != NULL;
	if (!refusal)
		want->has = rank;
	else if (want->has == rank) /* it was so, and is no more */
		want->has = L3VM_RANK_NONE;
	if (refusal)
		refused(announcing, refusal);
	if (!want->unheard && want->rank == L3VM_RANK_NONE &&
	    want->has == L3VM_RANK_NONE)
		g_hash_table_remove(announcing->wants, dst);
	if (!announcing->unheard)
		announcing->backoff = 0;
	save_soon(announcing);
}

/* --- life ---------------------------------------------------------------------- */

static gboolean try_again(void *data);

/* In the main loop, never from within the announcer itself. */
static void shut(Announcing *announcing)
{
	GHashTableIter iter;
	void *value;

	if (announcing->announcer)
		announcing->ops->close(announcing->announcer);
	announcing->announcer = NULL;
	announcing->unheard = 0;
	announcing->over = false;
	be_patient(announcing);
	g_hash_table_iter_init(&iter, announcing->wants);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		Want *want = value;

		want->unheard = 0;
		want->has = L3VM_RANK_NONE;
		if (want->rank == L3VM_RANK_NONE)
			g_hash_table_iter_remove(&iter);
	}
}

static void retry_later(Announcing *announcing, const char *why)
{
	set_problem(announcing, why);
	announcing->backoff = announcing->backoff
				      ? MIN(announcing->backoff * 2, BACKOFF_MAX)
				      : BACKOFF_MIN;
	if (!announcing->retry)
		announcing->retry = g_timeout_add_seconds(announcing->backoff,
							  try_again, announcing);
}

static gboolean too_silent(void *data)
{
	Announcing *announcing = data;

	announcing->patience = 0;
	announcing->over = true;
	retry_later(announcing, "does not confirm what it was told");
	return G_SOURCE_REMOVE;
}

static void failed(L3vmAnnouncer *announcer, const char *why)
{
	Announcing *announcing = announcer->data;

	if (announcing->over)
		return;
	announcing->over = true;
	retry_later(announcing, why);
}

static gboolean try_again(void *data)
{
	Announcing *announcing = data;
	const L3vmAnnouncing *settings = &announcing->agent->host->config->announcing;
	g_autoptr(GError) error = NULL;

	announcing->retry = 0;
	shut(announcing);
	announcing->announcer = announcing->ops->open(settings, &error);
	if (!announcing->announcer) {
		retry_later(announcing, error->message);
		return G_SOURCE_REMOVE;
	}
	announcing->announcer->taken = taken;
	announcing->announcer->failed = failed;
	announcing->announcer->data = announcing;
	set_problem(announcing, NULL);
	tell_all(announcing, false);
	if (announcing->ops->complete && !announcing->over)
		announcing->ops->complete(announcing->announcer);
	return G_SOURCE_REMOVE;
}

/* --- what is wanted -------------------------------------------------------------- */

static bool announces(const L3vmPort *port, const char *name)
{
	return port->net && port->net->announce &&
	       g_strv_contains((const char *const *)port->net->announce, name);
}

static void want(Announcing *announcing, const char *owner, const L3vmAddr *dst,
		 L3vmRank rank)
{
	Want *want = g_hash_table_lookup(announcing->wants, dst);

	/* another port has taken the address over */
	if (rank == L3VM_RANK_NONE && (!want || strcmp(want->owner, owner) != 0))
		return;
	if (!want) {
		want = g_new0(Want, 1);
		want->dst = *dst;
		want->owner = g_strdup(owner);
		g_hash_table_insert(announcing->wants, &want->dst, want);
	}
	if (strcmp(want->owner, owner) != 0) {
		g_free(want->owner);
		want->owner = g_strdup(owner);
	}
	if (want->rank == rank)
		return;
	want->rank = rank;
	save_soon(announcing);
	if (announcing->announcer)
		tell(announcing, want);
	else if (rank == L3VM_RANK_NONE)
		g_hash_table_remove(announcing->wants, dst);
}

static void want_all(Announcing *announcing, const char *owner, const L3vmPort *port,
		     L3vmRank rank)
{
	const GArray *arrays[] = { port->addresses, port->prefixes };

	for (size_t i = 0; i < G_N_ELEMENTS(arrays); i++)
		for (guint j = 0; j < arrays[i]->len; j++)
			want(announcing, owner, &g_array_index(arrays[i], L3vmAddr, j),
			     rank);
}

static void forget_rest(Announcing *announcing, const char *owner, const L3vmPort *was,
			const L3vmPort *is)
{
	const GArray *arrays[] = { was->addresses, was->prefixes };

	for (size_t i = 0; i < G_N_ELEMENTS(arrays); i++)
		for (guint j = 0; j < arrays[i]->len; j++) {
			const L3vmAddr *dst = &g_array_index(arrays[i], L3vmAddr, j);

			if (!is || !l3vm_port_has(is, dst))
				want(announcing, owner, dst, L3VM_RANK_NONE);
		}
}

static L3vmRank rank_for(const Announcing *announcing, const L3vmPort *port, bool held)
{
	if (!announces(port, announcing->ops->name) ||
	    (held && !announcing->ops->ranked))
		return L3VM_RANK_NONE;
	return l3vm_state_rank(port->state);
}

/* A record is ahead of the kernel until its change is over, and packets must not come
 * before their route. */
static const L3vmPort *in_force(const L3vmPort *port)
{
	while (port && port->was)
		port = port->was;
	return port;
}

void announcing_port(Agent *agent, const char *name, const L3vmPort *was,
		     const L3vmPort *is, bool held)
{
	was = in_force(was);
	is = in_force(is);
	for (guint i = 0; agent->announcings && i < agent->announcings->len; i++) {
		Announcing *announcing = agent->announcings->pdata[i];

		if (was)
			forget_rest(announcing, name, was, is);
		if (is)
			want_all(announcing, name, is, rank_for(announcing, is, held));
		save_soon(announcing);
	}
}

void announcing_again(Agent *agent)
{
	for (guint i = 0; agent->announcings && i < agent->announcings->len; i++)
		tell_all(agent->announcings->pdata[i], false);
}

void announcing_link(Agent *agent, const char *ifname)
{
	for (guint i = 0; agent->announcings && i < agent->announcings->len; i++) {
		Announcing *announcing = agent->announcings->pdata[i];

		if (announcing->announcer && announcing->ops->link)
			announcing->ops->link(announcing->announcer, ifname);
	}
}

/* --- all of them ------------------------------------------------------------------ */

static bool is_used(const L3vmConfig *config, const char *name)
{
	GHashTableIter iter;
	void *value;

	g_hash_table_iter_init(&iter, config->networks);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const L3vmNetwork *network = value;

		if (network->announce &&
		    g_strv_contains((const char *const *)network->announce, name))
			return true;
	}
	return false;
}

static void announcing_free(void *data)
{
	Announcing *announcing = data;
	guint sources[] = { announcing->retry, announcing->save, announcing->again };

	shut(announcing);
	for (size_t i = 0; i < G_N_ELEMENTS(sources); i++)
		if (sources[i])
			g_source_remove(sources[i]);
	g_hash_table_unref(announcing->wants);
	g_free(announcing->problem);
	g_free(announcing);
}

/* They are opened by the main loop, when the records have been read. */
void announcing_start(Agent *agent)
{
	agent->announcings = g_ptr_array_new_with_free_func(announcing_free);
	for (size_t i = 0; l3vm_announcers[i]; i++) {
		Announcing *announcing;

		if (l3vm_announcers[i]->reads_kernel ||
		    !is_used(agent->host->config, l3vm_announcers[i]->name))
			continue;
		announcing = g_new0(Announcing, 1);
		announcing->agent = agent;
		announcing->ops = l3vm_announcers[i];
		announcing->wants = g_hash_table_new_full(
			l3vm_addr_hash, l3vm_addr_equals, NULL, want_free);
		announcing->retry = g_idle_add(try_again, announcing);
		g_ptr_array_add(agent->announcings, announcing);
	}
	agent->claim = l3vm_agent_claim(agent->host->store);
	if (agent->claim < 0)
		l3vm_warn("another l3vm-agent works on %s",
			  l3vm_store_dir(agent->host->store));
}

bool announcing_executes(const Agent *agent)
{
	for (guint i = 0; i < agent->announcings->len; i++) {
		const Announcing *announcing = agent->announcings->pdata[i];

		if (announcing->ops->executes)
			return true;
	}
	return false;
}

void announcing_end(Agent *agent)
{
	if (agent->announcings)
		g_ptr_array_unref(agent->announcings);
	agent->announcings = NULL;
	if (agent->claim > 0)
		close(agent->claim);
}
