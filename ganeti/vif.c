/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vif.c - the program that Ganeti's network scripts run
 *
 * Ganeti 3.0 and 3.1 call kvm-vif-bridge when a NIC has got its tap, and nothing
 * when it loses it. They say neither whether the guest boots or migrates, nor when
 * it runs:
 *
 *   bridged, openvswitch  before QEMU is there, in both cases. What node hook
 *                         instance-migrate-pre left says which one it is.
 *   routed                before QEMU is there when it boots; when it migrates, after
 *                         it has come. Either way it is, or soon will be, here.
 *
 * 3.2 calls network/<mode>/up with $MIGRATION_PHASE, and network/<mode>/down. The
 * latter comes when a shutdown is asked for, while the guest runs; again and again
 * until it has gone; and sometimes never. So it takes nothing from a guest that may
 * be here: what there is goes with the tap.
 *
 * argv is not looked at: on some ways Ganeti writes b'tap0' there.
 */
#include "env.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The NIC is not l3vm's: the wrapper goes on with what Ganeti has for it. */
#define STATUS_NOT_OURS 10

static L3vmAttachMode mode_of(const GanetiNic *nic, const char *phase)
{
	if (!g_strcmp0(phase, "pre"))
		return L3VM_ATTACH_EXPECT;
	if (!g_strcmp0(phase, "post") || !strcmp(nic->mode, "routed"))
		return L3VM_ATTACH_HERE;
	return L3VM_ATTACH_START_NIC;
}

static int up(L3vm *host, const GanetiNic *nic, GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(L3vmPort) port = ganeti_nic_port(nic, host, &problem);
	L3vmAttachMode mode = mode_of(nic, getenv("MIGRATION_PHASE"));

	if (!port && !problem)
		return STATUS_NOT_OURS;
	if (port)
		l3vm_attach(host, &port, 1, mode, &problem);
	if (problem)
		g_propagate_error(error, g_steal_pointer(&problem));
	return 0;
}

static void down(L3vm *host, const GanetiNic *nic, GError **error)
{
	if (if_nametoindex(nic->ifname) != 0 ||
	    l3vm_detach_port(host, nic->ifname, error))
		l3vm_incoming_forget(host, nic->instance, NULL, error);
}

int main(void)
{
	const char *action = getenv("ACTION");
	g_autoptr(GError) error = NULL;
	g_autoptr(L3vm) host = NULL;
	GanetiNic nic;
	int status = 0;

	if (ganeti_nic_of_script(&nic, &error))
		host = l3vm_new(NULL, NULL, &error);
	if (host && !g_strcmp0(action, "down"))
		down(host, &nic, &error);
	else if (host)
		status = up(host, &nic, &error);
	if (error)
		ganeti_say(error->message);
	return error ? l3vm_exit_status(error) : status;
}
