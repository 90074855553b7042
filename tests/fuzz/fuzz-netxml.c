/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-netxml.c - a network's XML: what is understood of it is whole */
#include "../../hooks/netxml.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GError) incomplete = NULL;
	g_autoptr(L3vmNetxml) net = l3vm_netxml_parse((const char *)data, size, &error);

	g_assert(!net == !!error);
	if (!net)
		return 0;
	g_assert(net->name);
	if (l3vm_netxml_check_port(net, &incomplete))
		g_assert(net->guest && net->mac);
	else
		g_assert(incomplete);
	l3vm_netxml_bridge_is_ours(net);
	l3vm_netxml_port_bridge(net);
	return 0;
}
