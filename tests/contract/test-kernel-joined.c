/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-kernel-joined.c - several settings of an interface in one request
 *
 * That they go together must not be seen but in the number of requests: the
 * outcome is that of the changes one by one, and so is a refusal.
 */
#include "netns.h"

#include "kernel/kernel.h"

#include "../unit/values.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PROTOCOL 76

typedef struct Place {
	L3vmKernel *kernel;
	L3vmSet *before, *after; /* of the settings that a plan changes */
	unsigned t, u;
} Place;

/* Requests of this process that change a link. The library's calls come here. */
static unsigned requests;

ssize_t sendto(int fd, const void *bytes, size_t size, int flags,
	       const struct sockaddr *to, socklen_t to_size)
{
	requests += ((const struct nlmsghdr *)bytes)->nlmsg_type == RTM_SETLINK;
	return syscall(SYS_sendto, fd, bytes, size, flags, to, to_size);
}

static void want(Place *place, L3vmObject o, unsigned ifindex)
{
	o.ifindex = ifindex;
	l3vm_set_add(place->after, &o);
}

/* On both links, so that what is joined ends where the interface does. */
static void want_settings(Place *place, const char *ifname, unsigned ifindex)
{
	want(place, mac_on(L3VM_OBJECT_MAC, ifname, "02:6c:33:76:6d:01"), ifindex);
	want(place, number_on(L3VM_OBJECT_SYSCTL, ifname, L3VM_SYSCTL_IP4_RP_FILTER, 1),
	     ifindex);
	want(place,
	     number_on(L3VM_OBJECT_SYSCTL, ifname, L3VM_SYSCTL_IP4_ARP_ANNOUNCE, 2),
	     ifindex);
	want(place,
	     number_on(L3VM_OBJECT_SYSCTL, ifname, L3VM_SYSCTL_IP6_ADDR_GEN_MODE, 1),
	     ifindex);
	want(place, number_on(L3VM_OBJECT_SYSCTL, ifname, L3VM_SYSCTL_IP6_ACCEPT_RA, 0),
	     ifindex);
	want(place, number_on(L3VM_OBJECT_MTU, ifname, 0, 1400), ifindex);
	want(place, number_on(L3VM_OBJECT_QUEUE, ifname, 0, 777), ifindex);
}

static L3vmSet *observe(Place *place)
{
	L3vmSet *observed = l3vm_set_new();
	g_autoptr(GError) error = NULL;

	if (!place->kernel->ops->observe(place->kernel, place->after,
					 L3VM_OBSERVE_CANDIDATES, observed, &error))
		fail_msg("%s", error->message);
	return observed;
}

static int begin(void **state)
{
	Place *place = g_new0(Place, 1);

	netns_renew();
	place->kernel = l3vm_kernel_netlink_new(PROTOCOL, NULL);
	place->t = netns_add_link("t");
	place->u = netns_add_link("u");
	place->after = l3vm_set_new();
	want_settings(place, "t", place->t);
	want_settings(place, "u", place->u);
	place->before = observe(place);
	assert_int_equal(l3vm_set_size(place->before), l3vm_set_size(place->after));
	*state = place;
	return 0;
}

static int end(void **state)
{
	Place *place = *state;

	l3vm_kernel_free(place->kernel);
	l3vm_set_free(place->before);
	l3vm_set_free(place->after);
	g_free(place);
	return 0;
}

static void assert_is(Place *place, const L3vmSet *wanted)
{
	g_autoptr(L3vmSet) observed = observe(place);

	for (guint i = 0; i < l3vm_set_size(wanted); i++) {
		const L3vmObject *o = l3vm_set_get(wanted, i);
		const L3vmObject *is = l3vm_set_find(observed, o);
		L3vmChange c = { .has_after = true, .after = *o };

		if (!is || !l3vm_object_equal(is, o))
			fail_msg("is not so: %s", l3vm_change_describe(&c));
	}
}

static L3vmPlan *plan_of(const Place *place)
{
	L3vmPlan *plan = l3vm_plan_new();

	for (guint i = 0; i < l3vm_set_size(place->after); i++) {
		const L3vmObject *after = l3vm_set_get(place->after, i);

		l3vm_plan_add(plan, l3vm_set_find(place->before, after), after);
	}
	return plan;
}

/* ACCEPT_RA goes through a file and so ends what is joined. */
static void joins_what_can_be_joined(void **state)
{
	Place *place = *state;
	g_autoptr(L3vmPlan) plan = plan_of(place);
	g_autoptr(GError) error = NULL;

	requests = 0;
	if (!l3vm_kernel_apply_plan(place->kernel, plan, &error))
		fail_msg("%s", error->message);
	assert_is(place, place->after);
	assert_int_equal(requests, 4);
}

/* The queue's length is in one request with a MTU that a veth cannot have. */
static void names_what_was_refused_and_undoes_all(void **state)
{
	Place *place = *state;
	g_autoptr(L3vmPlan) plan = plan_of(place);
	L3vmObject mtu = number_on(L3VM_OBJECT_MTU, "u", 0, 70000);
	L3vmObject queue = number_on(L3VM_OBJECT_QUEUE, "u", 0, 5);
	g_autoptr(GError) error = NULL;

	mtu.ifindex = queue.ifindex = place->u;
	l3vm_plan_add(plan, l3vm_set_find(place->before, &queue), &queue);
	l3vm_plan_add(plan, l3vm_set_find(place->before, &mtu), &mtu);
	assert_false(l3vm_kernel_apply_plan(place->kernel, plan, &error));
	assert_non_null(strstr(error->message, "mtu"));
	assert_non_null(strstr(error->message, "70000"));
	assert_is(place, place->before);
}

/* Neither a removal nor an interface known by name alone is joined. */
static void leaves_others_alone(void **state)
{
	Place *place = *state;
	g_autoptr(L3vmPlan) plan = l3vm_plan_new();
	L3vmObject named = mac_on(L3VM_OBJECT_MAC, "t", "02:6c:33:76:6d:01");
	L3vmObject mtu = number_on(L3VM_OBJECT_MTU, "t", 0, 1400);
	guint n;

	l3vm_plan_add(plan, NULL, &named);
	l3vm_plan_add(plan, NULL, &mtu);
	l3vm_plan_add(plan, &mtu, NULL);
	for (guint i = 0; i < l3vm_plan_size(plan); i++) {
		assert_false(
			place->kernel->ops->apply_joined(place->kernel, plan, i, &n));
		assert_int_equal(n, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(joins_what_can_be_joined, begin, end),
		cmocka_unit_test_setup_teardown(names_what_was_refused_and_undoes_all,
						begin, end),
		cmocka_unit_test_setup_teardown(leaves_others_alone, begin, end),
	};

	if (!netns_begin())
		return 77;
	return cmocka_run_group_tests_name("joined", tests, NULL, NULL);
}
