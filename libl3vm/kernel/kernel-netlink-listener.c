/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kernel-netlink-listener.c - how well a process can listen to the kernel
 *
 * The kernel tells of each netlink socket its groups, its buffer and what it lost
 * (sock_diag(7)); which of them are a process's, only /proc tells.
 */
#include "kernel/listener.h"

#include <glib.h>
#include <linux/netlink_diag.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUTE_GROUPS (RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE)

typedef struct Search {
	GHashTable *inodes; /* of the process's sockets */
	L3vmListener *listener;
	bool found;
} Search;

/* The inodes of all sockets of @pid. */
static GHashTable *sockets_of(pid_t pid)
{
	g_autofree char *folder = g_strdup_printf("/proc/%d/fd", pid);
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	GHashTable *inodes = g_hash_table_new(g_direct_hash, g_direct_equal);
	const char *name;

	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		g_autofree char *target = g_file_read_link(path, NULL);
		unsigned inode;

		if (target && sscanf(target, "socket:[%u]", &inode) == 1)
			g_hash_table_add(inodes, GUINT_TO_POINTER(inode));
	}
	return inodes;
}

static void take_socket(Search *search, struct nlmsghdr *header)
{
	struct nlattr *attrs[NETLINK_DIAG_MAX + 1];
	uint32_t memory[SK_MEMINFO_VARS] = { 0 };
	const struct netlink_diag_msg *msg = nlmsg_data(header);
	uint32_t groups = 0;

	if (nlmsg_parse(header, sizeof(*msg), attrs, NETLINK_DIAG_MAX, NULL) < 0 ||
	    !attrs[NETLINK_DIAG_GROUPS] || !attrs[NETLINK_DIAG_MEMINFO] ||
	    !g_hash_table_contains(search->inodes, GUINT_TO_POINTER(msg->ndiag_ino)))
		return;
	nla_memcpy(&groups, attrs[NETLINK_DIAG_GROUPS], sizeof(groups));
	nla_memcpy(memory, attrs[NETLINK_DIAG_MEMINFO], sizeof(memory));
	if (!(groups & ROUTE_GROUPS) ||
	    (search->found && memory[SK_MEMINFO_RCVBUF] >= search->listener->buffer))
		return;
	search->found = true;
	*search->listener = (L3vmListener){ memory[SK_MEMINFO_RCVBUF],
					    memory[SK_MEMINFO_DROPS] };
}

static bool take_answer(Search *search, void *buffer, int size)
{
	struct nlmsghdr *header = buffer;

	for (; nlmsg_ok(header, size); header = nlmsg_next(header, &size)) {
		if (header->nlmsg_type == NLMSG_DONE ||
		    header->nlmsg_type == NLMSG_ERROR)
			return false;
		take_socket(search, header);
	}
	return true;
}

bool l3vm_listener_of(pid_t pid, L3vmListener *listener)
{
	struct {
		struct nlmsghdr header;
		struct netlink_diag_req request;
	} question = {
		.header = { .nlmsg_len = sizeof(question),
			    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.request = { .sdiag_family = AF_NETLINK,
			     .sdiag_protocol = NETLINK_ROUTE,
			     .ndiag_show = NDIAG_SHOW_GROUPS | NDIAG_SHOW_MEMINFO },
	};
	_Alignas(struct nlmsghdr) char buffer[32768];
	g_autoptr(GHashTable) inodes = sockets_of(pid);
	Search search = { .inodes = inodes, .listener = listener };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	ssize_t size = -1;

	if (fd >= 0 &&
	    send(fd, &question, sizeof(question), 0) == (ssize_t)sizeof(question))
		do
			size = recv(fd, buffer, sizeof(buffer), 0);
		while (size > 0 && take_answer(&search, buffer, (int)size));
	if (fd >= 0)
		close(fd);
	return search.found;
}
