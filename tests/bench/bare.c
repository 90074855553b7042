/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bare.c - the kernel's part of an attach, written by hand */
#include "bare.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROTOCOL 76
#define METRIC	 5

typedef struct Message {
	struct nlmsghdr header;
	char bytes[512];
} Message;

static void fail(const char *what, int errnum)
{
	fprintf(stderr, "bare: %s: %s\n", what, strerror(errnum));
	exit(1);
}

static void *begin(Message *message, int type, int flags, size_t size)
{
	memset(message, 0, sizeof(*message));
	message->header.nlmsg_type = (uint16_t)type;
	message->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	message->header.nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
	return NLMSG_DATA(&message->header);
}

static struct rtattr *put(Message *message, int type, const void *data, size_t size)
{
	uint32_t at = NLMSG_ALIGN(message->header.nlmsg_len);
	struct rtattr *attr = (struct rtattr *)((char *)message + at);

	attr->rta_type = (uint16_t)type;
	attr->rta_len = (uint16_t)RTA_LENGTH(size);
	if (size)
		memcpy(RTA_DATA(attr), data, size);
	message->header.nlmsg_len = at + (uint32_t)RTA_ALIGN(attr->rta_len);
	return attr;
}

static void end_nest(Message *message, struct rtattr *nest)
{
	nest->rta_len =
		(uint16_t)((char *)message + message->header.nlmsg_len - (char *)nest);
	nest->rta_type |= NLA_F_NESTED;
}

static void talk(int fd, Message *message, const char *what)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char rest[1024];
	} answer;

	if (send(fd, message, message->header.nlmsg_len, 0) < 0 ||
	    recv(fd, &answer, sizeof(answer), 0) < (ssize_t)sizeof(answer.header))
		fail(what, errno);
	if (answer.header.nlmsg_type != NLMSG_ERROR)
		fail(what, EPROTO);
	if (answer.error.error)
		fail(what, -answer.error.error);
}

int bare_open(void)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0 || connect(fd, (struct sockaddr *)&kernel, sizeof(kernel)))
		fail("socket", errno);
	return fd;
}

static struct ifinfomsg *begin_link(Message *message, unsigned index)
{
	struct ifinfomsg *link = begin(message, RTM_SETLINK, 0, sizeof(*link));

	link->ifi_index = (int)index;
	return link;
}

static const uint8_t gateway_mac[] = { 0x02, 0x6c, 0x33, 0x76, 0x6d, 0x01 };

static const struct {
	int key;
	uint32_t value;
} settings4[] = {
	{ IPV4_DEVCONF_RP_FILTER, 1 },	      { IPV4_DEVCONF_SEND_REDIRECTS, 0 },
	{ IPV4_DEVCONF_ACCEPT_REDIRECTS, 0 }, { IPV4_DEVCONF_ARP_IGNORE, 1 },
	{ IPV4_DEVCONF_ARP_ANNOUNCE, 2 },
};

/* @n of settings4 from @first on. */
static void put_settings4(Message *message, size_t first, size_t n)
{
	struct rtattr *spec = put(message, IFLA_AF_SPEC, NULL, 0);
	struct rtattr *family = put(message, AF_INET, NULL, 0);
	struct rtattr *conf = put(message, IFLA_INET_CONF, NULL, 0);

	for (size_t i = first; i < first + n; i++)
		put(message, settings4[i].key, &settings4[i].value, sizeof(uint32_t));
	end_nest(message, conf);
	end_nest(message, family);
	end_nest(message, spec);
}

static void set_one_by_one(int fd, unsigned index)
{
	Message message;

	begin_link(&message, index);
	put(&message, IFLA_ADDRESS, gateway_mac, sizeof(gateway_mac));
	talk(fd, &message, "mac");
	for (size_t i = 0; i < sizeof(settings4) / sizeof(*settings4); i++) {
		begin_link(&message, index);
		put_settings4(&message, i, 1);
		talk(fd, &message, "IPv4 setting");
	}
}

static void set_at_once(int fd, unsigned index)
{
	Message message;

	begin_link(&message, index);
	put(&message, IFLA_ADDRESS, gateway_mac, sizeof(gateway_mac));
	put_settings4(&message, 0, sizeof(settings4) / sizeof(*settings4));
	talk(fd, &message, "settings");
}

static void set_files(const char *ifname)
{
	static const struct {
		const char *folder, *name, *value;
	} settings[] = {
		{ "ipv6/conf", "addr_gen_mode", "1" },
		{ "ipv6/conf", "accept_ra", "0" },
		{ "ipv6/conf", "accept_redirects", "0" },
		{ "ipv6/conf", "accept_dad", "0" },
	};

	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		char path[128];
		int fd;

		snprintf(path, sizeof(path), "/proc/sys/net/%s/%s/%s",
			 settings[i].folder, ifname, settings[i].name);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, settings[i].value, 1) != 1)
			fail(path, errno);
		close(fd);
	}
}

static void add_gateway(int fd, unsigned index, int family, const char *text, int len)
{
	const uint32_t flags = IFA_F_NODAD;
	size_t size = family == AF_INET ? 4 : 16;
	struct ifaddrmsg *address;
	uint8_t bytes[16];
	Message message;

	address = begin(&message, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL,
			sizeof(*address));
	address->ifa_family = (uint8_t)family;
	address->ifa_prefixlen = (uint8_t)len;
	address->ifa_scope = RT_SCOPE_LINK;
	address->ifa_index = index;
	inet_pton(family, text, bytes);
	put(&message, IFA_LOCAL, bytes, size);
	put(&message, IFA_ADDRESS, bytes, size);
	if (family == AF_INET6)
		put(&message, IFA_FLAGS, &flags, sizeof(flags));
	talk(fd, &message, "gateway address");
}

static void set_up(int fd, unsigned index)
{
	Message message;
	struct ifinfomsg *link = begin_link(&message, index);

	link->ifi_flags = link->ifi_change = IFF_UP;
	talk(fd, &message, "up");
}

static void add_neighbour(int fd, unsigned index, int family, const uint8_t *address,
			  const uint8_t *mac)
{
	const uint8_t protocol = PROTOCOL;
	struct ndmsg *neighbour;
	Message message;

	neighbour = begin(&message, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE,
			  sizeof(*neighbour));
	neighbour->ndm_family = (uint8_t)family;
	neighbour->ndm_ifindex = (int)index;
	neighbour->ndm_state = NUD_PERMANENT;
	put(&message, NDA_DST, address, family == AF_INET ? 4 : 16);
	put(&message, NDA_LLADDR, mac, 6);
	put(&message, NDA_PROTOCOL, &protocol, sizeof(protocol));
	talk(fd, &message, "neighbour");
}

static void add_route(int fd, unsigned index, int family, const uint8_t *address)
{
	const uint32_t metric = METRIC;
	struct rtmsg *route;
	Message message;

	route = begin(&message, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL,
		      sizeof(*route));
	route->rtm_family = (uint8_t)family;
	route->rtm_dst_len = family == AF_INET ? 32 : 128;
	route->rtm_table = RT_TABLE_MAIN;
	route->rtm_protocol = PROTOCOL;
	route->rtm_scope = family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	route->rtm_type = RTN_UNICAST;
	put(&message, RTA_PRIORITY, &metric, sizeof(metric));
	put(&message, RTA_DST, address, family == AF_INET ? 4 : 16);
	put(&message, RTA_OIF, &index, sizeof(index));
	talk(fd, &message, "route");
}

void bare_attach(int fd, bool at_once, const char *ifname, const char *mac,
		 const char *address4, const char *address6)
{
	unsigned index = if_nametoindex(ifname);
	uint8_t bytes4[4], bytes6[16], bytes[6];

	if (!index || inet_pton(AF_INET, address4, bytes4) != 1 ||
	    inet_pton(AF_INET6, address6, bytes6) != 1 ||
	    sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &bytes[0], &bytes[1],
		   &bytes[2], &bytes[3], &bytes[4], &bytes[5]) != 6)
		fail(ifname, EINVAL);
	if (at_once)
		set_at_once(fd, index);
	else
		set_one_by_one(fd, index);
	set_files(ifname);
	add_gateway(fd, index, AF_INET, "169.254.0.1", 32);
	add_gateway(fd, index, AF_INET6, "fe80::1", 64);
	set_up(fd, index);
	add_neighbour(fd, index, AF_INET, bytes4, bytes);
	add_neighbour(fd, index, AF_INET6, bytes6, bytes);
	add_route(fd, index, AF_INET, bytes4);
	add_route(fd, index, AF_INET6, bytes6);
}
