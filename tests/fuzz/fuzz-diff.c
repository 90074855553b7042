/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-diff.c - any two sets: the plan makes of one what the other wants, undone it is
 * as before, and what is not ours stays
 */
#include "fuzz.h"

#include <model/diff.h>
#include <model/guard.h>
#include <string.h>

static L3vmObject object_from(FuzzBytes *bytes)
{
	L3vmObject o = { .kind = (L3vmObjectKind)fuzz_below(bytes,
							    L3VM_OBJECT_ROUTE + 1) };
	bool ip6 = fuzz_below(bytes, 2);

	g_snprintf(o.ifname, sizeof(o.ifname), "t%u", fuzz_below(bytes, 3));
	/* 0 would stand for any of that name */
	o.ifindex = 1 + fuzz_below(bytes, 3);
	o.addr.family = ip6 ? AF_INET6 : AF_INET;
	o.addr.len = (uint8_t)fuzz_below(bytes, ip6 ? 129 : 33);
	o.addr.bytes[0] = (uint8_t)fuzz_below(bytes, 3);
	o.key = fuzz_below(bytes, 2);
	o.number = fuzz_below(bytes, L3VM_GUARD_ROLES);
	o.mac.bytes[5] = (uint8_t)fuzz_below(bytes, 3);
	o.metric = fuzz_below(bytes, 3);
	o.table = 254;
	o.owned = fuzz_below(bytes, 2);
	return o;
}

static L3vmSet *set_from(FuzzBytes *bytes)
{
	L3vmSet *set = l3vm_set_new();

	for (unsigned n = fuzz_below(bytes, 20); n > 0; n--) {
		L3vmObject o = object_from(bytes);

		l3vm_set_add(set, &o);
	}
	return set;
}

static void apply(L3vmSet *kernel, const L3vmChange *change)
{
	if (change->has_after)
		l3vm_set_put(kernel, &change->after);
	else
		l3vm_set_remove(kernel, &change->before);
}

/* Whatever is to be said of it can be said. */
static void check_texts(const L3vmChange *change)
{
	g_autofree char *words = l3vm_change_describe(change);
	g_autofree char *line = l3vm_change_to_ip(change, 76);

	g_assert(words && !strchr(words, '\n'));
	g_assert(!line || !strchr(line, '\n'));
	if (change->has_after && change->after.kind == L3VM_OBJECT_GUARD_ENTRY) {
		g_autofree char *commands = l3vm_guard_commands(change, "tap1");

		g_assert(strspn(commands, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS
				" .:/{}_\n") == strlen(commands));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FuzzBytes bytes = { data, size };
	g_autoptr(L3vmSet) desired = set_from(&bytes);
	g_autoptr(L3vmSet) kernel = set_from(&bytes);
	g_autoptr(L3vmSet) before = l3vm_set_new();
	g_autoptr(L3vmPlan) plan = l3vm_diff(desired, kernel);

	l3vm_set_add_all(before, kernel);
	for (guint i = 0; i < l3vm_plan_size(plan); i++) {
		const L3vmChange *change = l3vm_plan_get(plan, i);

		g_assert(change->has_after || change->before.owned);
		check_texts(change);
		apply(kernel, change);
	}
	for (guint i = 0; i < l3vm_set_size(desired); i++) {
		const L3vmObject *o = l3vm_set_get(desired, i);
		const L3vmObject *is = l3vm_set_find(kernel, o);

		g_assert(is && l3vm_object_equal(is, o));
	}
	for (guint i = 0; i < l3vm_set_size(before); i++) {
		const L3vmObject *o = l3vm_set_get(before, i);

		g_assert(o->owned || l3vm_set_find(kernel, o));
	}
	for (guint i = l3vm_plan_size(plan); i-- > 0;) {
		L3vmChange inverse = l3vm_change_inverse(l3vm_plan_get(plan, i));

		apply(kernel, &inverse);
	}
	g_assert(l3vm_set_size(kernel) == l3vm_set_size(before));
	return 0;
}
