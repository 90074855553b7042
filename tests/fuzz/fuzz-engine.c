/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-engine.c - any calls in any order, in a kernel that fails, loses interfaces and
 * leaves things out of its dumps
 *
 * Whatever happened: strangers' routes and rules stay as they are; when it is over,
 * three runs of reconcile bring about what is on record and leave nothing else behind;
 * the next one writes nothing; and none takes anything away because it was not told
 * of it.
 */
#include "fuzz.h"

#include "../unit/engine-host.h"

#include <errno.h>

#define PASSES 3

typedef struct World {
	Host *host;
	FuzzBytes bytes;
	const L3vmKernelOps *fake;
	L3vmKernelOps ops;
	bool omits; /* dumps leave out what they please */
} World;

static World world;

/* --- a kernel that is not told to be complete ------------------------ */

static bool observe(L3vmKernel *kernel, const L3vmSet *candidates, L3vmObserve how,
		    L3vmSet *observed, GError **error)
{
	g_autoptr(L3vmSet) all = l3vm_set_new();

	if (!world.fake->observe(kernel, candidates, how, all, error))
		return false;
	for (guint i = 0; i < l3vm_set_size(all); i++)
		if (!world.omits || how != L3VM_OBSERVE_ALL ||
		    fuzz_below(&world.bytes, 8))
			l3vm_set_put(observed, l3vm_set_get(all, i));
	return true;
}

/* What is not ours and that we could mistake for it, as text. */
static char *strangers(void)
{
	const L3vmSet *all = l3vm_kernel_fake_state(world.host->kernel);
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < l3vm_set_size(all); i++) {
		const L3vmObject *o = l3vm_set_get(all, i);
		L3vmChange change = { .has_after = true, .after = *o };
		g_autofree char *line = NULL;

		if (o->owned ||
		    (o->kind != L3VM_OBJECT_ROUTE && o->kind != L3VM_OBJECT_RULE))
			continue;
		line = l3vm_change_to_ip(&change, 76);
		g_string_append_printf(text, "%s\n", line);
	}
	return g_string_free(text, FALSE);
}

/* --- what happens ------------------------ */

static const char *one_of(const char *const *words, unsigned n)
{
	return words[fuzz_below(&world.bytes, n)];
}

static const char *any_guest(void)
{
	static const char *const guests[] = { "vm1", "vm2", "vm3" };

	return one_of(guests, G_N_ELEMENTS(guests));
}

static const char *any_tap(void)
{
	static const char *const taps[] = { "tap1", "tap2", "tap3" };

	return one_of(taps, G_N_ELEMENTS(taps));
}

static L3vmPort *any_port(void)
{
	static const char *const macs[] = { MAC1, MAC2, MAC3 };
	static const char *const networks[] = { "default", "tenant", "lan" };
	static const char *const addresses[] = {
		"10.0.0.1 2001:db8::1",	 "10.0.0.2",
		"2001:db8::3",		 "10.0.0.1 10.0.0.2 2001:db8:1::/64",
		"10.0.0.4 192.0.2.0/25",
	};
	/* one after the other: compilers differ in the order of arguments */
	const char *guest = any_guest();
	const char *tap = any_tap();
	const char *mac = one_of(macs, G_N_ELEMENTS(macs));
	const char *list = one_of(addresses, G_N_ELEMENTS(addresses));

	return request(guest, tap, mac, list, one_of(networks, G_N_ELEMENTS(networks)));
}

static bool any_attach(L3vm *l3vm, GError **error)
{
	g_autoptr(L3vmPort) port = any_port();

	l3vm_port_set_optional(port, fuzz_below(&world.bytes, 2));
	return l3vm_attach(
		l3vm, &port, 1,
		(L3vmAttachMode)fuzz_below(&world.bytes, L3VM_ATTACH_KEEP + 1), error);
}

static bool any_notify(L3vm *l3vm, GError **error)
{
	const char *guest = any_guest();
	L3vmPhase phase = (L3vmPhase)fuzz_below(&world.bytes, L3VM_PHASE_ABORTED + 1);

	return l3vm_migrate_notify(l3vm, guest, phase, error);
}

static bool any_incoming(L3vm *l3vm, GError **error)
{
	g_autoptr(L3vmPort) port = any_port();

	return l3vm_incoming(l3vm, l3vm_port_guest(port), NULL, &port, 1, 30, error);
}

static bool any_reconcile(L3vm *l3vm, GError **error)
{
	g_autoptr(GString) report = g_string_new(NULL);

	return l3vm_reconcile_kernel(l3vm, fuzz_below(&world.bytes, 2), report, error);
}

static void any_stranger(void)
{
	const L3vmObject objects[] = {
		route_on("eth0", "10.0.0.1", 100),
		route_on("eth0", "2001:db8::1", 1024),
		route_on("eth0", "10.0.0.2", 3),
		rule_of("tap1", "0.0.0.0/0", 7, 7600),
		rule_of("", "10.0.0.1", 7, 7601),
	};

	l3vm_kernel_fake_add_foreign(
		world.host->kernel,
		&objects[fuzz_below(&world.bytes, G_N_ELEMENTS(objects))]);
}

/* Somebody takes away, or sets, what we have there. */
static void any_damage(void)
{
	const L3vmSet *all = l3vm_kernel_fake_state(world.host->kernel);
	L3vmChange change = { .has_before = true };

	change.before =
		*l3vm_set_get(all, fuzz_below(&world.bytes, 256) % l3vm_set_size(all));
	if (change.before.owned)
		world.fake->apply(world.host->kernel, &change, NULL);
}

static bool call(L3vm *l3vm, unsigned what, GError **error)
{
	switch (what) {
	case 0:
		return l3vm_detach_guest(l3vm, any_guest(), error);
	case 1:
		return l3vm_detach_port(l3vm, any_tap(), error);
	case 2:
		return any_notify(l3vm, error);
	case 3:
		return any_incoming(l3vm, error);
	case 4:
		return any_reconcile(l3vm, error);
	default:
		return any_attach(l3vm, error);
	}
}

static void call_any(void)
{
	static const int errors[] = { ENOMEM, EBUSY, EPERM, ENODEV, EEXIST, ENOENT };
	int n = (int)fuzz_below(&world.bytes, 64) - 8;
	int errnum = errors[fuzz_below(&world.bytes, G_N_ELEMENTS(errors))];
	g_autofree char *before = strangers();
	g_autofree char *after = NULL;
	g_autoptr(GError) error = NULL;

	l3vm_kernel_fake_fail_at(world.host->kernel, n, errnum);
	world.omits = true;
	if (!call(world.host->l3vm, fuzz_below(&world.bytes, 10), &error))
		g_assert(fuzz_is_line(error->message));
	l3vm_kernel_fake_fail_at(world.host->kernel, -1, 0);
	world.omits = false;
	after = strangers();
	g_assert_cmpstr(before, ==, after);
}

static void step(void)
{
	const char *tap;

	switch (fuzz_below(&world.bytes, 8)) {
	case 0:
		tap = any_tap();
		l3vm_kernel_fake_delete_link(world.host->kernel, tap);
		l3vm_kernel_fake_add_link(world.host->kernel, tap, false);
		break;
	case 1:
		any_stranger();
		break;
	case 2:
		any_damage();
		break;
	default:
		call_any();
	}
}

/* --- and when it is over ------------------------ */

/* What a run of reconcile says; false: it could not do all. */
static bool reconcile(char **said, unsigned *writes)
{
	GString *report = g_string_new(NULL);
	unsigned before = l3vm_kernel_fake_applied(world.host->kernel);
	bool ok = l3vm_reconcile_kernel(world.host->l3vm, false, report, NULL);

	*writes = l3vm_kernel_fake_applied(world.host->kernel) - before;
	*said = g_string_free(report, FALSE);
	return ok;
}

static void check_convergence(void)
{
	g_autofree char *before = NULL;
	g_autofree char *after = NULL;
	unsigned writes;

	for (int pass = 0;; pass++) {
		g_autofree char *said = NULL;
		bool ok = reconcile(&said, &writes);

		g_assert(!strstr(said, "left alone"));
		if (ok && !writes && !*said)
			break;
		g_assert(pass < PASSES);
	}
	before = snapshot(world.host);
	for (int i = 0; i < 3; i++) {
		g_autofree char *said = NULL;

		world.omits = true;
		reconcile(&said, &writes);
		world.omits = false;
	}
	after = snapshot(world.host);
	g_assert_cmpstr(before, ==, after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	world = (World){ .host = host_new(), .bytes = { data, size } };
	world.fake = world.host->kernel->ops;
	world.ops = *world.fake;
	world.ops.observe = observe;
	world.host->kernel->ops = &world.ops;
	l3vm_kernel_fake_add_link(world.host->kernel, "eth0", false);
	for (int i = 0; i < 32 && world.bytes.size; i++)
		step();
	/* for what the last runs are not told of */
	world.bytes = (FuzzBytes){ data, size };
	check_convergence();
	host_free(world.host);
	return 0;
}
