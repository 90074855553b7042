/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gateway.c - tells guests who their gateway is
 *
 * Needed where a guest's cache may hold another MAC for the gateway: after a
 * move from a host with another gateway-mac, or when somebody spoofed it.
 */
#include "announce/announcer.h"
#include "frame/arp.h"
#include "frame/nd.h"

bool l3vm_announce_gateway(L3vmInjector *injector, unsigned ifindex,
			   const L3vmNetwork *network, GError **error)
{
	/* some guests update their cache on requests only, some on replies */
	static const L3vmArpOp forms[] = { L3VM_ARP_REQUEST, L3VM_ARP_REPLY };
	uint8_t frame[L3VM_NA_FRAME_SIZE];
	size_t size;

	for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
		size = l3vm_arp_build_gratuitous(frame, sizeof(frame),
						 &network->gateway_mac,
						 &network->gateway4, forms[i]);
		if (!l3vm_inject(injector, ifindex, frame, size, error))
			return false;
	}
	size = l3vm_na_build_unsolicited(frame, sizeof(frame), &network->gateway_mac,
					 &network->gateway6, true);
	return l3vm_inject(injector, ifindex, frame, size, error);
}
