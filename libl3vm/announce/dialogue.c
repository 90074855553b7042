/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dialogue.c - questions and answers over a daemon's control socket */
#include "announce/dialogue.h"

#include "base/error.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* FRR needs some 700 bytes of JSON a route; this is for fifty thousand. */
#define ANSWER_MAX (64 * 1024 * 1024)

struct L3vmDialogue {
	int fd;
	char *path;
	int64_t deadline; /* monotonic */
};

L3vmDialogue *l3vm_dialogue_open(const char *path, bool *absent, GError **error)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	g_autoptr(L3vmDialogue) dialogue = g_new0(L3vmDialogue, 1);

	*absent = false;
	dialogue->path = g_strdup(path);
	dialogue->deadline = g_get_monotonic_time() + L3VM_DIALOGUE_TIME;
	dialogue->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	g_strlcpy(addr.sun_path, path, sizeof(addr.sun_path));
	if (dialogue->fd >= 0 &&
	    connect(dialogue->fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return g_steal_pointer(&dialogue);
	*absent = errno == ENOENT || errno == ECONNREFUSED;
	if (!*absent)
		l3vm_fail_errno(error, errno, "%s: %s (is the daemon well?)", path,
				g_strerror(errno));
	return NULL;
}

void l3vm_dialogue_close(L3vmDialogue *dialogue)
{
	if (!dialogue)
		return;
	if (dialogue->fd >= 0)
		close(dialogue->fd);
	g_free(dialogue->path);
	g_free(dialogue);
}

pid_t l3vm_dialogue_peer(const L3vmDialogue *dialogue)
{
	struct ucred peer = { .pid = 0 };
	socklen_t size = sizeof(peer);

	getsockopt(dialogue->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
	return peer.pid;
}

const char *l3vm_dialogue_path(const L3vmDialogue *dialogue)
{
	return dialogue->path;
}

/* Until the socket is ready; false when the time is up. */
static bool await(const L3vmDialogue *dialogue, short events, GError **error)
{
	int64_t left = dialogue->deadline - g_get_monotonic_time();
	struct pollfd fd = { .fd = dialogue->fd, .events = events };
	int ready;

	do
		ready = left > 0 ? poll(&fd, 1, (int)(left / 1000) + 1) : 0;
	while (ready < 0 && errno == EINTR);
	return ready > 0 ||
	       l3vm_fail(error, L3VM_ERROR_FAILED,
			 "%s: no answer within %d s (is the daemon well?)",
			 dialogue->path, (int)(L3VM_DIALOGUE_TIME / G_USEC_PER_SEC));
}

static bool say(L3vmDialogue *dialogue, const char *text, size_t size, GError **error)
{
	while (size) {
		ssize_t sent = send(dialogue->fd, text, size, MSG_NOSIGNAL);

		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return l3vm_fail_errno(error, errno,
					       "%s: %s (is the daemon well?)",
					       dialogue->path, g_strerror(errno));
		if (sent < 0 && !await(dialogue, POLLOUT, error))
			return false;
		text += MAX(sent, 0);
		size -= (size_t)MAX(sent, 0);
	}
	return true;
}

static bool hear(L3vmDialogue *dialogue, GString *text, GError **error)
{
	char buffer[65536];
	ssize_t got;

	if (!await(dialogue, POLLIN, error))
		return false;
	got = recv(dialogue->fd, buffer, sizeof(buffer), 0);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (got <= 0)
		return l3vm_fail(error, L3VM_ERROR_FAILED,
				 "%s: the daemon hung up (is it well?)",
				 dialogue->path);
	g_string_append_len(text, buffer, got);
	return text->len <= ANSWER_MAX ||
	       l3vm_fail(error, L3VM_ERROR_FAILED,
			 "%s: the answer has no end (is the daemon well?)",
			 dialogue->path);
}

GString *l3vm_dialogue_ask(L3vmDialogue *dialogue, const void *question, size_t size,
			   L3vmDialogueEnd is_end, GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);

	if (question && !say(dialogue, question, size, error))
		return NULL;
	while (!is_end(text))
		if (!hear(dialogue, text, error))
			return NULL;
	return g_steal_pointer(&text);
}
