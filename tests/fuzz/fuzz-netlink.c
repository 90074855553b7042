/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-netlink.c - a kernel that answers anything: what is read of it is an object
 * that was asked for, or one of ours
 *
 * The kernel's end of every netlink socket is played here, so that all of a look at
 * the kernel is behind the input. It is the answer to each request, with the sequence
 * and the port of that; what has a port of its own must not count.
 */
#include "fuzz.h"

#include <kernel/kernel-netlink.h>
#include <string.h>
#include <sys/socket.h>

/* nothing without a sanitizer */
#include <sanitizer/asan_interface.h>

#define PORT 4711

static FuzzBytes answer;
static uint32_t sequence;
static bool answered;

/* --- the sockets, instead of the C library's ------------------------ */

ssize_t sendto(int fd, const void *bytes, size_t size, int flags,
	       const struct sockaddr *to, socklen_t to_size)
{
	const struct nlmsghdr *header = bytes;

	(void)fd, (void)flags, (void)to, (void)to_size;
	g_assert(size >= sizeof(*header) && header->nlmsg_len == size);
	sequence = header->nlmsg_seq;
	answered = false;
	return (ssize_t)size;
}

static void address_to_us(char *bytes, size_t size)
{
	struct nlmsghdr *header = (void *)bytes;
	int left = (int)size;

	for (; nlmsg_ok(header, left); header = nlmsg_next(header, &left))
		if (!header->nlmsg_pid) {
			header->nlmsg_pid = PORT;
			header->nlmsg_seq = sequence;
		}
}

/* The input, and then the end of it. */
ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	static const struct {
		struct nlmsghdr header;
		int32_t result;
	} end = { .header = { .nlmsg_len = sizeof(end), .nlmsg_type = NLMSG_DONE } };
	struct iovec *room = message->msg_iov;
	size_t size = answered ? sizeof(end) : MIN(answer.size, room->iov_len);

	(void)fd, (void)flags;
	ASAN_UNPOISON_MEMORY_REGION(room->iov_base, room->iov_len);
	if (size)
		memcpy(room->iov_base, answered ? (const void *)&end : answer.data,
		       size);
	address_to_us(room->iov_base, size);
	/* what was not received is not there */
	ASAN_POISON_MEMORY_REGION((char *)room->iov_base + size, room->iov_len - size);
	answered = true;
	message->msg_flags = 0;
	return (ssize_t)size;
}

int getsockname(int fd, struct sockaddr *name, socklen_t *size)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_pid = PORT };

	(void)fd;
	memcpy(name, &addr, MIN(*size, sizeof(addr)));
	return 0;
}

/* --- what is asked ------------------------ */

/* What a port would have, on an interface and with addresses that the seeds have. */
static L3vmSet *candidates_new(void)
{
	static const unsigned keys[L3VM_OBJECT_ROUTE + 1] = {
		[L3VM_OBJECT_SYSCTL] = L3VM_SYSCTL_COUNT,
		[L3VM_OBJECT_BRIDGE_PORT] = L3VM_BRIDGE_PORT_COUNT,
		[L3VM_OBJECT_GUARD_ENTRY] = L3VM_GUARD_SOURCE + 1,
	};
	L3vmObject o = { .ifname = "lo", .ifindex = 1, .table = 254, .metric = 5 };
	L3vmSet *set = l3vm_set_new();

	for (unsigned kind = 0; kind <= L3VM_OBJECT_ROUTE; kind++)
		for (unsigned i = 0; i < 2 * MAX(keys[kind], 1); i++) {
			o.kind = (L3vmObjectKind)kind;
			o.key = i / 2;
			o.number = kind == L3VM_OBJECT_RULE ? 7602 : 0;
			l3vm_addr_parse(i % 2 ? "2001:db8::1" : "10.0.0.1", &o.addr);
			l3vm_set_put(set, &o);
		}
	return set;
}

static void check(const L3vmSet *candidates, const L3vmSet *observed)
{
	for (guint i = 0; i < l3vm_set_size(observed); i++) {
		const L3vmObject *o = l3vm_set_get(observed, i);
		L3vmChange change = { .has_after = true, .after = *o };
		g_autofree char *words = l3vm_change_describe(&change);

		g_assert(o->kind <= L3VM_OBJECT_ROUTE && words);
		g_assert(l3vm_set_find(candidates, o) || o->owned);
		g_assert(memchr(o->ifname, 0, sizeof(o->ifname)) &&
			 memchr(o->master, 0, sizeof(o->master)));
		g_assert(o->addr.len <= 128);
	}
}

static void observe(L3vmKernel *kernel, L3vmObserve how)
{
	g_autoptr(L3vmSet) candidates = candidates_new();
	g_autoptr(L3vmSet) observed = l3vm_set_new();
	g_autoptr(GError) error = NULL;
	bool ok = kernel->ops->observe(kernel, candidates, how, observed, &error);

	g_assert(ok == !error);
	check(candidates, observed);
}

static void ask(L3vmKernel *kernel)
{
	char ifname[IF_NAMESIZE] = "";
	L3vmAddr addr = { 0 };
	L3vmLink link = { 0 };
	L3vmMac mac = { 0 };
	uint64_t number;
	bool local;

	l3vm_addr_parse("10.0.0.1", &addr);
	kernel->ops->find_link(kernel, "lo", &link, NULL);
	kernel->ops->is_local(kernel, &addr, &local, NULL);
	kernel->ops->find_bridge_port(kernel, "lo", &mac, ifname, NULL);
	kernel->ops->taken(kernel, 1, &number);
	kernel->ops->guard_dropped(kernel, 1, &number);
	kernel->ops->has_guard(kernel);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(L3vmKernel) kernel = l3vm_kernel_netlink_new(76, NULL);

	g_assert(kernel);
	answer = (FuzzBytes){ data, size };
	for (unsigned how = 0; how <= L3VM_OBSERVE_ALL; how++)
		observe(kernel, (L3vmObserve)how);
	ask(kernel);
	return 0;
}
