/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-domxml.c - a domain's XML: what is understood of it is whole */
#include "../../hooks/domxml.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GError) second = NULL;
	g_autoptr(L3vmDomain)
		domain = l3vm_domxml_parse((const char *)data, size, &error);
	g_autoptr(L3vmDomain) identity = l3vm_domxml_parse_identity((const char *)data,
								    size, &second);

	g_assert(!domain == !!error && !identity == !!second);
	if (!domain)
		return 0;
	/* who it is, is known without the rest */
	g_assert(identity && !g_strcmp0(identity->name, domain->name) &&
		 !g_strcmp0(identity->uuid, domain->uuid));
	for (guint i = 0; i < domain->nics->len; i++)
		l3vm_nic_is_routable(g_ptr_array_index(domain->nics, i));
	return 0;
}
