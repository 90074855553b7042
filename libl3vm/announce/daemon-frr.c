/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * daemon-frr.c - FRR, as vtysh(1) asks its daemons
 *
 * zebra knows the kernel's routes, bgpd whom it tells. A question ends with a NUL,
 * an answer with three of them and the command's result (lib/vty.c); JSON has none.
 * FRR cannot say whose a kernel route is: what is here may be others' as well.
 */
#include "announce/daemon.h"
#include "base/error.h"

#include <json-c/json.h>
#include <string.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_object, json_object_put)

/* lib/command.h */
#define CMD_SUCCESS 0

static bool is_whole(const GString *text)
{
	return text->len >= 4 && !memcmp(text->str + text->len - 4, "\0\0\0", 3);
}

static GString *ask(L3vmDialogue *dialogue, const char *question, GError **error)
{
	g_autoptr(GString) text = l3vm_dialogue_ask(
		dialogue, question, strlen(question) + 1, is_whole, error);

	if (!text)
		return NULL;
	if (text->str[text->len - 1] != CMD_SUCCESS) {
		l3vm_fail(error, L3VM_ERROR_FAILED,
			  "%s: \"%s\" is refused (is this FRR 8 or later?)",
			  l3vm_dialogue_path(dialogue), question);
		return NULL;
	}
	return g_steal_pointer(&text);
}

static json_object *ask_json(L3vmDialogue *dialogue, const char *question,
			     GError **error)
{
	g_autoptr(GString) text = ask(dialogue, question, error);
	g_autoptr(json_object) answer = text ? json_tokener_parse(text->str) : NULL;

	if (text && !json_object_is_type(answer, json_type_object)) {
		l3vm_fail(
			error, L3VM_ERROR_FAILED,
			"%s: \"%s\" is not answered in JSON (is this FRR 8 or later?)",
			l3vm_dialogue_path(dialogue), question);
		return NULL;
	}
	return g_steal_pointer(&answer);
}

/* One destination may have several, of different ranks. */
static void read_entries(L3vmDaemonRoute *route, json_object *entries)
{
	size_t n = json_object_is_type(entries, json_type_array)
			   ? json_object_array_length(entries)
			   : 0;

	route->best = false;
	for (size_t i = 0; i < n; i++) {
		json_object *entry = json_object_array_get_idx(entries, i);
		bool selected = json_object_get_boolean(
			json_object_object_get(entry, "selected"));

		if (selected || !route->best)
			route->metric = (uint32_t)json_object_get_int64(
				json_object_object_get(entry, "metric"));
		route->best |= selected;
	}
}

static bool read_kernel(L3vmDaemon *daemon, L3vmDialogue *zebra, GError **error)
{
	static const char *const questions[] = { "show ip route kernel json",
						 "show ipv6 route kernel json" };

	for (size_t i = 0; i < G_N_ELEMENTS(questions); i++) {
		g_autoptr(json_object) routes = ask_json(zebra, questions[i], error);
		L3vmAddr dst;

		if (!routes)
			return false;
		json_object_object_foreach (routes, prefix, entries)
			if (l3vm_prefix_parse(prefix, &dst))
				read_entries(l3vm_daemon_route(daemon, &dst), entries);
	}
	return true;
}

static bool read_advertised(L3vmDaemon *daemon, L3vmDialogue *bgpd, const char *peer,
			    const char *family, GError **error)
{
	g_autofree char *question = g_strdup_printf(
		"show bgp %s unicast neighbors %s advertised-routes json", family,
		peer);
	g_autoptr(json_object) answer = ask_json(bgpd, question, error);
	json_object *routes;
	L3vmAddr dst;

	if (!answer)
		return false;
	routes = json_object_object_get(answer, "advertisedRoutes");
	if (!json_object_is_type(routes, json_type_object))
		return true;
	json_object_object_foreach (routes, prefix, value) {
		L3vmDaemonRoute *route;

		(void)value;
		if (!l3vm_prefix_parse(prefix, &dst))
			continue;
		/* what did not come from the kernel is none of ours */
		route = g_hash_table_lookup(daemon->routes, &dst);
		if (route)
			route->peers++;
	}
	return true;
}

static bool read_peer(L3vmDaemon *daemon, L3vmDialogue *bgpd, const char *peer,
		      json_object *facts, GError **error)
{
	static const struct {
		const char *key, *family;
	} families[] = { { "ipv4Unicast", "ipv4" }, { "ipv6Unicast", "ipv6" } };
	json_object *info = json_object_object_get(facts, "addressFamilyInfo");
	json_object *bfd = json_object_object_get(facts, "peerBfdInfo");

	/* an address, or the interface of an unnumbered session; it is sent back */
	if (peer[strspn(peer, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS ".:_-%")] ||
	    g_strcmp0(json_object_get_string(json_object_object_get(facts, "bgpState")),
		      "Established"))
		return true;
	daemon->sessions++;
	daemon->bgp++;
	daemon->watched += !g_strcmp0(
		json_object_get_string(json_object_object_get(bfd, "status")), "Up");
	for (size_t i = 0; i < G_N_ELEMENTS(families); i++) {
		json_object *family = json_object_object_get(info, families[i].key);

		if (family &&
		    !read_advertised(daemon, bgpd, peer, families[i].family, error))
			return false;
	}
	return true;
}

static bool read_bgp(L3vmDaemon *daemon, L3vmDialogue *bgpd, GError **error)
{
	g_autoptr(GString) enabled = ask(bgpd, "enable", error);
	g_autoptr(GString) settings = enabled ? ask(bgpd, "show running-config", error)
					      : NULL;
	g_autoptr(json_object) peers =
		settings ? ask_json(bgpd, "show bgp neighbors json", error) : NULL;

	if (!peers)
		return false;
	json_object_object_foreach (peers, peer, facts)
		if (!read_peer(daemon, bgpd, peer, facts, error))
			return false;
	daemon->settings = g_strdup(settings->str);
	daemon->speaks = true;
	return true;
}

static bool read_frr(L3vmDaemon *daemon, L3vmDialogue *zebra, uint8_t protocol,
		     GError **error)
{
	g_autofree char *folder = g_path_get_dirname(l3vm_dialogue_path(zebra));
	g_autofree char *path = g_build_filename(folder, "bgpd.vty", NULL);
	g_autoptr(GString) enabled = ask(zebra, "enable", error);
	g_autoptr(L3vmDialogue) bgpd = NULL;
	bool absent;

	(void)protocol;
	if (!enabled || !read_kernel(daemon, zebra, error))
		return false;
	bgpd = l3vm_dialogue_open(path, &absent, error);
	/* without it another of its daemons announces, or none does */
	return bgpd ? read_bgp(daemon, bgpd, error) : absent;
}

const L3vmDaemonKind l3vm_daemon_frr = {
	.name = "frr",
	.title = "FRR",
	.socket = "/run/frr/zebra.vty",
	.read = read_frr,
};
