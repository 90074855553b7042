/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* section-announcer.c - the [announcer NAME] sections of l3vm.conf */
#include "store/section.h"

#include "base/clock.h"
#include "base/name.h"
#include "store/value.h"

#include <string.h>

/* Each address costs up to two frames on each. */
#define UPLINKS_MAX 4
/* More often is noise, more seldom is longer than caches remember. */
#define REFRESH_MIN (10 * L3VM_SECOND)

/* The store is below the announcers, so it cannot ask their table. */
const char *const l3vm_announcer_words[] = { "kernel", "neighbour", "exabgp", "exec",
					     NULL };

static bool read_uplinks(const L3vmValue *value, void *member, GError **error)
{
	g_auto(GStrv) words = l3vm_value_split(value, error);
	char ***uplinks = member;

	for (guint i = 0; words && words[i]; i++)
		if (!l3vm_ifname_is_valid(words[i]))
			return l3vm_value_fail(
				value, error, "\"%.40s\" cannot be an interface's name",
				words[i]);
	if (!words)
		return false;
	if (g_strv_length(words) > UPLINKS_MAX)
		return l3vm_value_fail(value, error, "are more than %d", UPLINKS_MAX);
	g_strfreev(*uplinks);
	*uplinks = g_steal_pointer(&words);
	return true;
}

static bool read_refresh(const L3vmValue *value, void *member, GError **error)
{
	return l3vm_value_duration(value, member, error) &&
	       (*(int64_t *)member >= REFRESH_MIN ||
		l3vm_value_fail(value, error, "must be at least %ds",
				(int)(REFRESH_MIN / L3VM_SECOND)));
}

static bool read_path(const L3vmValue *value, void *member, GError **error)
{
	char **path = member;

	if (*value->text != '/')
		return l3vm_value_fail(value, error, "must be a full path");
	g_free(*path);
	*path = g_strdup(value->text);
	return true;
}

static bool read_command(const L3vmValue *value, void *member, GError **error)
{
	g_auto(GStrv) words = l3vm_value_split(value, error);
	char ***command = member;

	if (!words)
		return false;
	if (*words[0] != '/')
		return l3vm_value_fail(value, error,
				       "\"%.80s\" is not the full path of a program",
				       words[0]);
	g_strfreev(*command);
	*command = g_steal_pointer(&words);
	return true;
}

#define MEMBER(name) offsetof(L3vmAnnouncing, name)

static const L3vmKeyReader neighbour_readers[] = {
	{ "uplinks", read_uplinks, MEMBER(uplinks) },
	{ "refresh", read_refresh, MEMBER(refresh) },
};

static const L3vmKeyReader exabgp_readers[] = {
	{ "pipe", read_path, MEMBER(exabgp_pipe) },
	{ "as", l3vm_value_u32, MEMBER(exabgp_as) },
};

static const L3vmKeyReader exec_readers[] = {
	{ "command", read_command, MEMBER(exec) },
};

static const struct {
	const char *name;
	const L3vmKeyReader *readers;
	size_t n;
} sections[] = {
	{ "neighbour", neighbour_readers, G_N_ELEMENTS(neighbour_readers) },
	{ "exabgp", exabgp_readers, G_N_ELEMENTS(exabgp_readers) },
	{ "exec", exec_readers, G_N_ELEMENTS(exec_readers) },
};

static bool read_section(const L3vmKeyFile *file, const L3vmKeyLine *line,
			 const char *name, L3vmConfig *config, GError **error)
{
	const char *names[G_N_ELEMENTS(sections)];
	g_autofree char *hint = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(sections); i++) {
		names[i] = sections[i].name;
		if (!strcmp(name, names[i]))
			return l3vm_keyfile_read(file, line, sections[i].readers,
						 sections[i].n, &config->announcing,
						 error);
	}
	hint = l3vm_did_you_mean(name, names, G_N_ELEMENTS(sections));
	return l3vm_line_fail(file, line, error,
			      "[%.80s]: no announcer of that name "
			      "has settings%s",
			      line->group, hint);
}

bool l3vm_sections_announcer(const L3vmKeyFile *file, L3vmConfig *config,
			     GError **error)
{
	for (guint i = 0; i < file->lines->len; i++) {
		const L3vmKeyLine *line = l3vm_keyfile_line(file, i);
		const char *name = l3vm_section_name(line->group, "announcer");

		if (!line->key && name &&
		    !read_section(file, line, name, config, error))
			return false;
	}
	return true;
}

const char *l3vm_announcer_lacks(const L3vmConfig *config, const char *name)
{
	if (!strcmp(name, "neighbour") && !config->announcing.uplinks)
		return "uplinks = IFNAME in [announcer neighbour]";
	if (!strcmp(name, "exec") && !config->announcing.exec)
		return "command = PROGRAM in [announcer exec]";
	return NULL;
}
