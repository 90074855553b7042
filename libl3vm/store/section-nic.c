/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* section-nic.c - guests.d: the addresses of NICs whose manager cannot say them */
#include "store/section.h"

#include "base/error.h"
#include "base/name.h"
#include "model/port.h"
#include "store/value.h"

#include <errno.h>
#include <string.h>

#define MEMBER(name) offsetof(L3vmNicConfig, name)

/*
 * What no guest may have is refused here, where the line is known; whether the
 * network allows it and no other guest has it is decided when the NIC comes up.
 */
static bool read_addresses(const L3vmValue *value, void *member, GError **error)
{
	GArray **list = member;
	const char *why;

	if (!l3vm_value_addresses(value, member, error))
		return false;
	if ((*list)->len > L3VM_MAX_ADDRESSES)
		return l3vm_value_fail(value, error, "more than %d addresses",
				       L3VM_MAX_ADDRESSES);
	for (guint i = 0; i < (*list)->len; i++) {
		char text[L3VM_ADDR_STRLEN];
		const L3vmAddr *addr = &g_array_index(*list, L3vmAddr, i);

		if (!l3vm_addr_is_assignable(addr, &why))
			return l3vm_value_fail(value, error,
					       "%s is %s: no address for a guest",
					       l3vm_addr_format(addr, text), why);
	}
	return true;
}

/* The bound is the same as for a NIC that is described on the command line. */
static bool read_prefixes(const L3vmValue *value, void *member, GError **error)
{
	GArray **list = member;

	if (!l3vm_value_prefixes(value, member, error))
		return false;
	if ((*list)->len > L3VM_MAX_PREFIXES)
		return l3vm_value_fail(value, error, "more than %d prefixes",
				       L3VM_MAX_PREFIXES);
	return true;
}

static const L3vmKeyReader readers[] = {
	{ "guest", l3vm_value_guest, MEMBER(guest) },
	{ "ifname", l3vm_value_ifname, MEMBER(ifname) },
	{ "address", read_addresses, MEMBER(addresses) },
	{ "prefix", read_prefixes, MEMBER(prefixes) },
	{ "network", l3vm_value_network, MEMBER(network) },
	{ "guard-allow", read_prefixes, MEMBER(guard_allow) },
};

void l3vm_nic_config_free(L3vmNicConfig *nic)
{
	if (!nic)
		return;
	g_free(nic->ifname);
	g_free(nic->guest);
	g_free(nic->network);
	g_array_unref(nic->addresses);
	g_array_unref(nic->prefixes);
	g_array_unref(nic->guard_allow);
	g_free(nic);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(L3vmNicConfig, l3vm_nic_config_free)

static L3vmNicConfig *new_nic(void)
{
	L3vmNicConfig *nic = g_new0(L3vmNicConfig, 1);

	nic->addresses = g_array_new(FALSE, FALSE, sizeof(L3vmAddr));
	nic->prefixes = g_array_new(FALSE, FALSE, sizeof(L3vmAddr));
	nic->guard_allow = g_array_new(FALSE, FALSE, sizeof(L3vmAddr));
	return nic;
}

/* A MAC has colons, and an interface name has none. */
static bool set_identity(L3vmNicConfig *nic, const char *name)
{
	nic->has_mac = l3vm_mac_parse(name, &nic->mac);
	if (nic->has_mac)
		return l3vm_mac_is_unicast(&nic->mac);
	if (!l3vm_ifname_is_valid(name))
		return false;
	nic->ifname = g_strdup(name);
	return true;
}

/* Two sections for one NIC are fine if each is for another guest: the names of
 * taps are used again and again. */
static bool is_same(const L3vmNicConfig *a, const L3vmNicConfig *b)
{
	if (g_strcmp0(a->guest, b->guest) != 0)
		return false;
	return (a->has_mac && b->has_mac && l3vm_mac_equal(&a->mac, &b->mac)) ||
	       (a->ifname && b->ifname && !strcmp(a->ifname, b->ifname));
}

/* Of two sections for one NIC of one guest, which would count? So neither does. */
static bool check_nic(const L3vmKeyFile *file, const L3vmKeyLine *line,
		      const L3vmNicConfig *nic, const L3vmConfig *config,
		      GError **error)
{
	if (nic->network && !l3vm_config_network(config, nic->network))
		return l3vm_line_fail(file, line, error,
				      "[%s] names network %s, which is not in %s",
				      line->group, nic->network, config->path);
	for (guint i = 0; i < config->nics->len; i++)
		if (is_same(nic, config->nics->pdata[i]))
			return l3vm_line_fail(
				file, line, error,
				"[%s] is there already, for the same guest",
				line->group);
	return true;
}

static bool read_section(const L3vmKeyFile *file, const L3vmKeyLine *line,
			 const char *name, L3vmConfig *config, GError **error)
{
	g_autoptr(L3vmNicConfig) nic = new_nic();

	if (!set_identity(nic, name))
		return l3vm_line_fail(
			file, line, error,
			"[%.80s] needs a unicast MAC or an interface name",
			line->group);
	if (!l3vm_keyfile_read(file, line, readers, G_N_ELEMENTS(readers), nic, error))
		return false;
	if (!nic->has_mac && strcmp(nic->ifname, name) != 0)
		return l3vm_line_fail(file, line, error,
				      "[%s] is about an interface already: `ifname` is "
				      "for a section with a MAC",
				      line->group);
	if (!check_nic(file, line, nic, config, error))
		return false;
	g_ptr_array_add(config->nics, g_steal_pointer(&nic));
	return true;
}

/* An error in one file is an error of the whole: a guest whose addresses are not
 * known must not come up with those its network would derive. */
static bool read_file(const char *path, L3vmConfig *config, GError **error)
{
	static const char *const kinds[] = { "nic" };
	g_autoptr(L3vmKeyFile) file = NULL;

	if (!l3vm_keyfile_load(path, &file, error))
		return false;
	/* NULL: removed since the folder was read. */
	for (guint i = 0; file && i < file->lines->len; i++) {
		const L3vmKeyLine *line = l3vm_keyfile_line(file, i);
		const char *name = l3vm_section_name(line->group, "nic");

		if (!name)
			return l3vm_section_unknown(file, line, kinds, 1, error);
		if (!line->key && !read_section(file, line, name, config, error))
			return false;
	}
	return true;
}

static int compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the files to read, in byte order: the same on every host, whatever
 * its locale. Dot files are an editor's. */
static GPtrArray *list_files(GDir *dir)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	const char *name;

	while ((name = g_dir_read_name(dir)))
		if (name[0] != '.' && g_str_has_suffix(name, ".conf"))
			g_ptr_array_add(names, g_strdup(name));
	g_ptr_array_sort(names, compare_names);
	return names;
}

bool l3vm_sections_nic(const char *folder, L3vmConfig *config, GError **error)
{
	g_autoptr(GError) failure = NULL;
	g_autoptr(GDir) dir = g_dir_open(folder, 0, &failure);
	g_autoptr(GPtrArray) names = NULL;

	if (g_error_matches(failure, G_FILE_ERROR, G_FILE_ERROR_NOENT))
		return true;
	if (!dir) {
		/* A file of that name, a disk that fails: not "no guests". */
		bool denied = g_error_matches(failure, G_FILE_ERROR,
					      G_FILE_ERROR_ACCES);

		return l3vm_fail_errno(error, denied ? EACCES : EIO, "%s: %s", folder,
				       failure->message);
	}
	names = list_files(dir);
	for (guint i = 0; i < names->len; i++) {
		g_autofree char *path = g_build_filename(folder, names->pdata[i], NULL);

		if (!read_file(path, config, error))
			return false;
	}
	return true;
}
