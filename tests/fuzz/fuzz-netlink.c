/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-netlink.c - links and routes as the kernel tells them */
#include "fuzz.h"

#include <kernel/kernel-netlink.h>
#include <string.h>

static void decode(struct nlmsghdr *header)
{
	L3vmRouteEntry entry;
	L3vmLinkAttrs link;
	L3vmMac mac = { 0 };

	if (l3vm_link_decode(header, &link)) {
		g_assert(link.name && link.kind);
		l3vm_link_mac(&link, &mac);
	}
	if (l3vm_route_decode(header, &entry))
		g_assert(entry.object.kind == L3VM_OBJECT_ROUTE &&
			 entry.object.addr.len <=
				 l3vm_family_bits(entry.object.addr.family));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree struct nlmsghdr *copy = g_malloc(size + 1);
	struct nlmsghdr *header = copy;
	int left = (int)size;

	if (size)
		memcpy(copy, data, size);
	for (; nlmsg_ok(header, left); header = nlmsg_next(header, &left))
		decode(header);
	return 0;
}
