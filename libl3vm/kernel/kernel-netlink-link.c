/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* kernel-netlink-link.c - interfaces: decode, look up by name, ports of a bridge */
#include "base/error.h"
#include "kernel/kernel-netlink.h"

#include <errno.h>
#include <string.h>

static void decode_link_info(L3vmLinkAttrs *link)
{
	struct nlattr *info[IFLA_INFO_MAX + 1];

	link->kind = "";
	if (!link->attrs[IFLA_LINKINFO] ||
	    nla_parse_nested(info, IFLA_INFO_MAX, link->attrs[IFLA_LINKINFO], NULL) < 0)
		return;
	if (info[IFLA_INFO_KIND])
		link->kind = nla_get_string(info[IFLA_INFO_KIND]);
	if (info[IFLA_INFO_SLAVE_KIND] && info[IFLA_INFO_SLAVE_DATA] &&
	    !strcmp(nla_get_string(info[IFLA_INFO_SLAVE_KIND]), "bridge"))
		link->is_port = nla_parse_nested(link->port, IFLA_BRPORT_MAX,
						 info[IFLA_INFO_SLAVE_DATA], NULL) >= 0;
}

bool l3vm_link_decode(struct nlmsghdr *message, L3vmLinkAttrs *link)
{
	memset(link, 0, sizeof(*link));
	if (message->nlmsg_type != RTM_NEWLINK ||
	    nlmsg_parse(message, sizeof(struct ifinfomsg), link->attrs, IFLA_MAX,
			NULL) < 0 ||
	    !link->attrs[IFLA_IFNAME])
		return false;
	link->header = nlmsg_data(message);
	link->name = nla_get_string(link->attrs[IFLA_IFNAME]);
	decode_link_info(link);
	return true;
}

void l3vm_link_mac(const L3vmLinkAttrs *link, L3vmMac *mac)
{
	struct nlattr *attr = link->attrs[IFLA_ADDRESS];

	if (attr && nla_len(attr) == sizeof(*mac))
		memcpy(mac, nla_data(attr), sizeof(*mac));
}

struct nl_msg *l3vm_link_request(const char *ifname)
{
	struct ifinfomsg *header;
	struct nl_msg *msg = l3vm_nl_request(RTM_GETLINK, 0, sizeof(*header), &header);

	nla_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	if (ifname)
		nla_put_string(msg, IFLA_IFNAME, ifname);
	return msg;
}

bool l3vm_netlink_fail_read(const char *what, int result, char *text, GError **error)
{
	g_autofree char *words = text;

	return l3vm_fail_errno(error, result, "reading %s: %s", what,
			       words ? words : g_strerror(result));
}

typedef struct FoundLink {
	L3vmLink link;
	unsigned master;
	bool found;
} FoundLink;

static void take_found_link(struct nlmsghdr *message, void *data)
{
	FoundLink *found = data;
	L3vmLinkAttrs link;

	if (!l3vm_link_decode(message, &link))
		return;
	found->found = true;
	found->link.ifindex = (unsigned)link.header->ifi_index;
	found->link.is_bridge = !strcmp(link.kind, "bridge");
	found->link.is_up = link.header->ifi_flags & IFF_UP;
	l3vm_link_mac(&link, &found->link.mac);
	if (link.attrs[IFLA_MASTER] && nla_len(link.attrs[IFLA_MASTER]) >= 4)
		found->master = nla_get_u32(link.attrs[IFLA_MASTER]);
}

bool l3vm_netlink_find_link(L3vmKernel *kernel, const char *ifname, L3vmLink *out,
			    GError **error)
{
	g_autoptr(L3vmNlMsg) msg = l3vm_link_request(ifname);
	FoundLink found = { .found = false };
	char *text = NULL;
	int result = l3vm_nl_talk(((L3vmNetlink *)kernel)->nl, msg, take_found_link,
				  &found, &text);

	if (result && result != ENODEV)
		return l3vm_netlink_fail_read(ifname, result, text, error);
	g_free(text);
	if (found.master)
		if_indextoname(found.master, found.link.master);
	if (found.found)
		*out = found.link;
	return found.found;
}

typedef struct Taken {
	uint64_t frames;
	bool found;
} Taken;

/* A tap counts a frame as sent when it is read (drivers/net/tun.c:tun_put_user()), one
 * that its queue has no room for as dropped. */
static void take_stats(struct nlmsghdr *message, void *data)
{
	struct nlattr *attrs[IFLA_STATS_MAX + 1];
	struct rtnl_link_stats64 stats;
	Taken *taken = data;

	if (message->nlmsg_type != RTM_NEWSTATS ||
	    nlmsg_parse(message, sizeof(struct if_stats_msg), attrs, IFLA_STATS_MAX,
			NULL) < 0 ||
	    !attrs[IFLA_STATS_LINK_64] ||
	    (size_t)nla_len(attrs[IFLA_STATS_LINK_64]) < sizeof(stats))
		return;
	memcpy(&stats, nla_data(attrs[IFLA_STATS_LINK_64]), sizeof(stats));
	taken->frames = stats.tx_packets + stats.tx_dropped;
	taken->found = true;
}

bool l3vm_netlink_taken(L3vmKernel *kernel, unsigned ifindex, uint64_t *frames)
{
	struct if_stats_msg *header;
	g_autoptr(L3vmNlMsg)
		msg = l3vm_nl_request(RTM_GETSTATS, 0, sizeof(*header), &header);
	Taken taken = { .found = false };

	header->ifindex = ifindex;
	header->filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64);
	l3vm_nl_talk(((L3vmNetlink *)kernel)->nl, msg, take_stats, &taken, NULL);
	*frames = taken.frames;
	return taken.found;
}

typedef struct PortSearch {
	L3vmMac mac; /* without its first byte */
	char ifname[IF_NAMESIZE];
} PortSearch;

static void take_bridge_port(struct nlmsghdr *message, void *data)
{
	PortSearch *search = data;
	L3vmMac mac = { 0 };
	L3vmLinkAttrs link;

	if (!l3vm_link_decode(message, &link))
		return;
	l3vm_link_mac(&link, &mac);
	if ((mac.bytes[0] == 0xfe || mac.bytes[0] == 0xfa) &&
	    !memcmp(mac.bytes + 1, search->mac.bytes + 1, 5))
		g_strlcpy(search->ifname, link.name, sizeof(search->ifname));
}

static void drop_bridge_port(void *data)
{
	((PortSearch *)data)->ifname[0] = '\0';
}

bool l3vm_netlink_find_bridge_port(L3vmKernel *kernel, const char *bridge,
				   const L3vmMac *mac, char ifname[IF_NAMESIZE],
				   GError **error)
{
	g_autoptr(L3vmNlMsg) msg = l3vm_link_request(NULL);
	PortSearch search = { .mac = *mac };
	unsigned master = l3vm_nl_ifindex(((L3vmNetlink *)kernel)->nl, bridge);
	char *text = NULL;
	int result;

	if (!master)
		return false;
	nla_put_u32(msg, IFLA_MASTER, master);
	result = l3vm_nl_dump(((L3vmNetlink *)kernel)->nl, msg, take_bridge_port,
			      drop_bridge_port, &search, &text);
	if (result)
		return l3vm_netlink_fail_read(bridge, result, text, error);
	g_free(text);
	g_strlcpy(ifname, search.ifname, IF_NAMESIZE);
	return *ifname;
}

static void forget_port(void *data)
{
	*(bool *)data = false;
}

static void take_any_port(struct nlmsghdr *message, void *data)
{
	(void)message;
	*(bool *)data = true;
}

bool l3vm_netlink_bridge_has_ports(L3vmNetlink *netlink, unsigned bridge)
{
	g_autoptr(L3vmNlMsg) msg = l3vm_link_request(NULL);
	bool found = false;

	nla_put_u32(msg, IFLA_MASTER, bridge);
	return l3vm_nl_dump(netlink->nl, msg, take_any_port, forget_port, &found,
			    NULL) ||
	       found;
}
