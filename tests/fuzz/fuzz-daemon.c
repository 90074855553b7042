/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-daemon.c - a routing daemon that answers anything: it is sent nothing but
 * questions of ours, and what it is said to have is whole
 *
 * The dialogue is played here. The first byte says which daemon it is, the rest are
 * its answers, each up to a byte 1.
 */
#include "fuzz.h"

#include <announce/daemon.h>
#include <base/error.h>
#include <string.h>

struct L3vmDialogue {
	FuzzBytes answers;
	bool is_bird, is_second;
};

static FuzzBytes second; /* of bgpd */

/* --- the dialogue, instead of dialogue.c ------------------------ */

L3vmDialogue *l3vm_dialogue_open(const char *path, bool *absent, GError **error)
{
	L3vmDialogue *dialogue;

	*absent = !second.size;
	(void)path;
	(void)error;
	if (*absent)
		return NULL;
	dialogue = g_new0(L3vmDialogue, 1);
	dialogue->answers = second;
	dialogue->is_second = true;
	return dialogue;
}

void l3vm_dialogue_close(L3vmDialogue *dialogue)
{
	if (dialogue->is_second)
		g_free(dialogue);
}

pid_t l3vm_dialogue_peer(const L3vmDialogue *dialogue)
{
	(void)dialogue;
	return 1;
}

const char *l3vm_dialogue_path(const L3vmDialogue *dialogue)
{
	(void)dialogue;
	return "/run/frr/zebra.vty";
}

/* One command, and no more than one, whatever the daemon said before. */
static void check_question(const L3vmDialogue *dialogue, const char *text, size_t size)
{
	const char *quote = memchr(text, '\'', size);
	const char *last = quote ? memrchr(text, '\'', size) : NULL;

	g_assert(size && text[size - 1] == (dialogue->is_bird ? '\n' : '\0'));
	g_assert(!memchr(text, '\n', size - 1) && !memchr(text, '\0', size - 1));
	if (dialogue->is_bird)
		g_assert(!quote ||
			 (last > quote && last == text + size - 2 &&
			  !memchr(quote + 1, '\'', (size_t)(last - quote) - 1)));
	else
		g_assert(strspn(text, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS
				" .:_-%") == size - 1);
}

GString *l3vm_dialogue_ask(L3vmDialogue *dialogue, const void *question, size_t size,
			   L3vmDialogueEnd is_end, GError **error)
{
	FuzzBytes *answers = &dialogue->answers;
	const uint8_t *end;
	GString *text;

	if (question)
		check_question(dialogue, question, size);
	end = answers->size ? memchr(answers->data, 1, answers->size) : NULL;
	if (!end) {
		l3vm_fail(error, L3VM_ERROR_FAILED, "hung up (start it)");
		return NULL;
	}
	text = g_string_new_len((const char *)answers->data, end - answers->data);
	answers->size -= (size_t)(end - answers->data) + 1;
	answers->data = end + 1;
	if (!is_end(text)) /* what every whole answer ends with */
		g_string_append_len(text, dialogue->is_bird ? "\n0000 \n" : "\0\0\0",
				    dialogue->is_bird ? 7 : 4);
	g_assert(is_end(text));
	return text;
}

/* --- what is made of it ------------------------ */

static void check_finding(void *data, const char *severity, const char *finding,
			  const char *remedy)
{
	(void)data;
	g_assert(severity && finding && !strchr(finding, '\n') && remedy);
}

static void check_routes(const L3vmDaemon *daemon)
{
	GHashTableIter iter;
	void *value;

	g_assert(daemon->watched <= 4096 || daemon->bgp);
	g_hash_table_iter_init(&iter, daemon->routes);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const L3vmDaemonRoute *route = value;

		g_assert(l3vm_daemon_find(daemon, &route->dst) == route);
		g_assert(route->dst.len <= l3vm_family_bits(route->dst.family));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const L3vmRanks ranks = { 4, 5, 0xFA0003E8 };
	const L3vmDaemonKind *kind = size && *data % 2 ? &l3vm_daemon_frr
						       : &l3vm_daemon_bird;
	g_autoptr(L3vmDaemon) daemon = g_new0(L3vmDaemon, 1);
	g_autoptr(GError) error = NULL;
	L3vmDialogue first = { .is_bird = kind == &l3vm_daemon_bird };

	if (!size)
		return 0;
	first.answers = (FuzzBytes){ data + 1, size - 1 };
	/* bgpd goes on where zebra's three answers end */
	second = first.answers;
	for (int i = 0; i < 3 && second.size; i++) {
		const uint8_t *end = memchr(second.data, 1, second.size);
		size_t used = end ? (size_t)(end - second.data) + 1 : second.size;

		second = (FuzzBytes){ second.data + used, second.size - used };
	}
	daemon->kind = kind;
	daemon->routes = g_hash_table_new_full(l3vm_addr_hash, l3vm_addr_equals, NULL,
					       g_free);
	if (kind->read(daemon, &first, 76, &error)) {
		check_routes(daemon);
		l3vm_daemon_check(daemon, &ranks, check_finding, NULL);
	} else {
		g_assert(error && !strchr(error->message, '\n'));
	}
	return 0;
}
