/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-kernel-fake.c - the contract, kept by the kernel in memory */
#include "contract.h"

static L3vmKernel *begin(void)
{
	return l3vm_kernel_fake_new(PROTOCOL, false);
}

static unsigned add_link(World *world, const char *ifname)
{
	return l3vm_kernel_fake_add_link(world->kernel, ifname, false);
}

static void delete_link(World *world, const char *ifname)
{
	l3vm_kernel_fake_delete_link(world->kernel, ifname);
}

static void add_foreign(World *world, const L3vmObject *route)
{
	l3vm_kernel_fake_add_foreign(world->kernel, route);
}

static bool has_foreign(World *world, const L3vmObject *route)
{
	const L3vmSet *all = l3vm_kernel_fake_state(world->kernel);
	const L3vmObject *is = l3vm_set_find(all, route);

	return is && !is->owned && l3vm_object_equal(is, route);
}

static void add_local(World *world, const char *text)
{
	L3vmAddr addr = prefix_of(text);

	l3vm_kernel_fake_add_local(world->kernel, &addr);
}

const WorldOps world_ops = {
	.begin = begin,
	.add_link = add_link,
	.delete_link = delete_link,
	.add_foreign = add_foreign,
	.has_foreign = has_foreign,
	.add_local = add_local,
};

int main(void)
{
	return run_contract();
}
