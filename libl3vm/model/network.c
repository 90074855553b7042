/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* network.c - a network of the configuration, as a value */
#include "model/network.h"

#include <linux/rtnetlink.h>
#include <string.h>

/*
 * The gateway addresses are link-local, so they clash with no site's plan, and
 * the gateway's MAC is the same on every host: a guest that moved finds the
 * router that its neighbour cache knows. 02 is a locally administered unicast
 * address; the rest spells "l3vm".
 */
L3vmNetwork *l3vm_network_new(const char *name)
{
	L3vmNetwork *network = g_new0(L3vmNetwork, 1);

	network->name = g_strdup(name);
	l3vm_addr_parse("169.254.0.1", &network->gateway4);
	l3vm_addr_parse("fe80::1", &network->gateway6);
	l3vm_mac_parse("02:6c:33:76:6d:01", &network->gateway_mac);
	network->table = RT_TABLE_MAIN;
	network->mtu = 1500;
	network->guard = true;
	network->announce = g_strsplit("kernel", " ", -1);
	return network;
}

static GArray *copy_array(const GArray *array)
{
	return array ? g_array_copy((GArray *)array) : NULL;
}

L3vmNetwork *l3vm_network_copy(const L3vmNetwork *network, const char *name)
{
	L3vmNetwork *copy = g_new(L3vmNetwork, 1);

	*copy = *network;
	copy->name = g_strdup(name);
	copy->bridge = g_strdup(network->bridge);
	copy->allow = copy_array(network->allow);
	copy->derive = copy_array(network->derive);
	copy->announce = g_strdupv(network->announce);
	copy->others = 0;
	return copy;
}

L3vmNetwork *l3vm_network_ref(L3vmNetwork *network)
{
	network->others++;
	return network;
}

static bool is_same_allow(const GArray *a, const GArray *b)
{
	if (!a || !b || a->len != b->len)
		return a == b;
	for (guint i = 0; i < a->len; i++)
		if (!l3vm_addr_equal(&g_array_index(a, L3vmAddr, i),
				     &g_array_index(b, L3vmAddr, i)))
			return false;
	return true;
}

static bool is_same_derive(const GArray *a, const GArray *b)
{
	if (!a || !b || a->len != b->len)
		return a == b;
	for (guint i = 0; i < a->len; i++) {
		const L3vmDerive *one = &g_array_index(a, L3vmDerive, i);
		const L3vmDerive *two = &g_array_index(b, L3vmDerive, i);

		if (one->kind != two->kind ||
		    !l3vm_addr_equal(&one->prefix, &two->prefix))
			return false;
	}
	return true;
}

bool l3vm_network_equal(const L3vmNetwork *a, const L3vmNetwork *b)
{
	return !strcmp(a->name, b->name) && a->mode == b->mode &&
	       l3vm_addr_equal(&a->gateway4, &b->gateway4) &&
	       l3vm_addr_equal(&a->gateway6, &b->gateway6) &&
	       l3vm_mac_equal(&a->gateway_mac, &b->gateway_mac) &&
	       is_same_allow(a->allow, b->allow) && a->table == b->table &&
	       a->routes_table == b->routes_table && a->mtu == b->mtu &&
	       a->proxy_arp == b->proxy_arp && a->guard == b->guard &&
	       a->learn == b->learn && a->announce_gateway == b->announce_gateway &&
	       a->cover == b->cover && !g_strcmp0(a->bridge, b->bridge) &&
	       is_same_derive(a->derive, b->derive) &&
	       g_strv_equal((const char *const *)a->announce,
			    (const char *const *)b->announce);
}

void l3vm_network_free(L3vmNetwork *network)
{
	if (!network || network->others--)
		return;
	g_free(network->name);
	g_free(network->bridge);
	if (network->allow)
		g_array_unref(network->allow);
	if (network->derive)
		g_array_unref(network->derive);
	g_strfreev(network->announce);
	g_free(network);
}

bool l3vm_network_allows(const L3vmNetwork *network, const L3vmAddr *prefix)
{
	if (!network->allow)
		return true;
	for (guint i = 0; i < network->allow->len; i++)
		if (l3vm_prefix_contains(&g_array_index(network->allow, L3vmAddr, i),
					 prefix))
			return true;
	return false;
}

/* The prefix's first @keep bytes followed by @tail. */
static L3vmAddr embed(const L3vmAddr *prefix, size_t keep, const uint8_t *tail)
{
	L3vmAddr addr = *prefix;

	memcpy(addr.bytes + keep, tail, sizeof(addr.bytes) - keep);
	addr.len = 128;
	return addr;
}

static void embed_all(const L3vmAddr *prefix, GArray *out)
{
	guint n = out->len;

	for (guint i = 0; i < n; i++) {
		L3vmAddr addr = g_array_index(out, L3vmAddr, i);

		if (addr.family == AF_INET) {
			addr = embed(prefix, 12, addr.bytes);
			g_array_append_val(out, addr);
		}
	}
}

void l3vm_network_derive(const L3vmNetwork *network, const L3vmMac *mac, GArray *out)
{
	for (guint i = 0; network->derive && i < network->derive->len; i++) {
		const L3vmDerive *rule = &g_array_index(network->derive, L3vmDerive, i);
		L3vmAddr addr;

		switch (rule->kind) {
		case L3VM_DERIVE_MAC4:
			addr = l3vm_addr_from_bytes(AF_INET, mac->bytes + 2, 32);
			g_array_append_val(out, addr);
			break;
		case L3VM_DERIVE_EUI64:
			addr = l3vm_addr_link_local(mac);
			addr = embed(&rule->prefix, 8, addr.bytes + 8);
			g_array_append_val(out, addr);
			break;
		case L3VM_DERIVE_EMBED4:
			embed_all(&rule->prefix, out);
			break;
		}
	}
}
