/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-migration.c - any sequence of events: what every state must keep */
#include "fuzz.h"

#include <model/migration.h>

static void check(L3vmState from, L3vmEvent event, L3vmState to)
{
	static const L3vmRanks ranks = { 4, 5, 0xFA0003E8 };

	g_assert(to <= L3VM_STATE_GONE);
	/* nothing is announced of a guest that is not here yet, or no more */
	g_assert((to == L3VM_STATE_PREPARED || to == L3VM_STATE_GONE) ==
		 !l3vm_state_metric(to, &ranks));
	if (event == L3VM_EVENT_STOPPED)
		g_assert(to == L3VM_STATE_GONE);
	if (event == L3VM_EVENT_KEEP && from != L3VM_STATE_GONE)
		g_assert(to == from);
	/* only evidence makes a target announce */
	if (from == L3VM_STATE_PREPARED && l3vm_state_metric(to, &ranks))
		g_assert(event == L3VM_EVENT_ARRIVED || event == L3VM_EVENT_START);
	/* the same event again changes nothing, however often it is told */
	g_assert(l3vm_migration_next(to, event) == to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	L3vmState state = L3VM_STATE_GONE;

	for (size_t i = 0; i < size; i++) {
		L3vmEvent event = (L3vmEvent)(data[i] % L3VM_EVENT_COUNT);
		L3vmState next = l3vm_migration_next(state, event);

		check(state, event, next);
		state = next;
	}
	return 0;
}
