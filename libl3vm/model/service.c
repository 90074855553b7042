/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* service.c - a service address: a port of the host itself */
#include "model/service.h"

#include "base/error.h"

#include <string.h>

static char *name_of(const L3vmAddr *addr)
{
	char text[L3VM_ADDR_STRLEN];

	return g_strconcat(L3VM_SERVICE_PREFIX, l3vm_addr_format(addr, text), NULL);
}

bool l3vm_service_name_is_valid(const char *name)
{
	g_autofree char *own = NULL;
	L3vmAddr addr;

	if (!g_str_has_prefix(name, L3VM_SERVICE_PREFIX) ||
	    !l3vm_addr_parse(name + strlen(L3VM_SERVICE_PREFIX), &addr))
		return false;
	own = name_of(&addr);
	return !strcmp(own, name);
}

bool l3vm_service_is_named(const L3vmPort *port)
{
	g_autofree char *own = NULL;

	if (port->addresses->len != 1 || port->prefixes->len || !port->ifname)
		return false;
	own = name_of(&g_array_index(port->addresses, L3vmAddr, 0));
	return !strcmp(own, port->guest);
}

L3vmService *l3vm_service_copy(const L3vmService *service)
{
	L3vmService *copy = g_memdup2(service, sizeof(*service));

	copy->check = g_strdupv(service->check);
	return copy;
}

void l3vm_service_free(L3vmService *service)
{
	if (!service)
		return;
	g_strfreev(service->check);
	g_free(service);
}

L3vmPort *l3vm_service_new(const char *address, GError **error)
{
	g_autofree char *name = NULL;
	L3vmPort *port;
	L3vmAddr addr;

	if (!l3vm_addr_parse(address, &addr)) {
		l3vm_fail(error, L3VM_ERROR_USAGE,
			  "service \"%.60s\": not an IPv4 or IPv6 address (write it "
			  "like 192.0.2.53)",
			  address);
		return NULL;
	}
	name = name_of(&addr);
	port = l3vm_port_new(name, NULL, error);
	port->ifname = g_strdup("lo");
	g_array_append_val(port->addresses, addr);
	port->service = g_new0(L3vmService, 1);
	port->service->well = true;
	return port;
}

bool l3vm_service_is_valid(const L3vmService *service)
{
	if (!service->check)
		return service->well;
	return *service->check && *service->check[0] == '/' &&
	       service->interval >= L3VM_SERVICE_INTERVAL_MIN &&
	       service->interval <= L3VM_SERVICE_INTERVAL_MAX && service->rise &&
	       service->rise <= L3VM_SERVICE_COUNT_MAX && service->fall &&
	       service->fall <= L3VM_SERVICE_COUNT_MAX;
}

bool l3vm_service_set_check(L3vmPort *port, const char *command, unsigned interval,
			    unsigned rise, unsigned fall, GError **error)
{
	g_autoptr(L3vmService) service = g_new0(L3vmService, 1);

	*service = (L3vmService){ .interval = interval, .rise = rise, .fall = fall };
	if (!g_shell_parse_argv(command, NULL, &service->check, NULL))
		return l3vm_fail(error, L3VM_ERROR_USAGE,
				 "check \"%.80s\": is empty, or a quote is not closed "
				 "(write it as for a shell)",
				 command);
	if (*service->check[0] != '/')
		return l3vm_fail(error, L3VM_ERROR_USAGE,
				 "check \"%.80s\": not the full path of a program (no "
				 "shell looks for it)",
				 service->check[0]);
	if (!l3vm_service_is_valid(service))
		return l3vm_fail(
			error, L3VM_ERROR_USAGE,
			"check: every %u ms, rise %u, fall %u: out of range (%d "
			"to %d ms, 1 to %d checks)",
			interval, rise, fall, L3VM_SERVICE_INTERVAL_MIN,
			L3VM_SERVICE_INTERVAL_MAX, L3VM_SERVICE_COUNT_MAX);
	l3vm_service_free(port->service);
	port->service = g_steal_pointer(&service);
	return true;
}

L3vmState l3vm_service_state(const L3vmService *service)
{
	if (!service->well)
		return L3VM_STATE_PREPARED;
	return service->drain ? L3VM_STATE_LEAVING : L3VM_STATE_LIVE;
}

const char *l3vm_service_state_name(L3vmState state)
{
	switch (state) {
	case L3VM_STATE_LIVE:
	case L3VM_STATE_ARRIVED:
		return "up";
	case L3VM_STATE_LEAVING:
		return "draining";
	case L3VM_STATE_PREPARED:
		return "down";
	case L3VM_STATE_GONE:
		break;
	}
	return "gone";
}
