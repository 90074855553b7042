/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qmp.c - one connection to a QEMU monitor */
/* syscalls: close recvfrom sendto */
#include "qmp.h"

#include <errno.h>
#include <glib-unix.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* One look takes at most so much, so that a monitor that never stops talking does
 * not keep us from everything else. */
#define READ_SIZE  4096
#define READ_COUNT 16

struct Qmp {
	int fd;
	guint source;
	guint patience; /* timer until it has to be ready */
	bool greeted, ready;
	struct json_tokener *tokener;
	size_t size; /* of the message that is being read */
	const QmpOps *ops;
	void *data;
};

static const char *const texts[QMP_COMMANDS] = {
	[QMP_CAPABILITIES] = "\"qmp_capabilities\"",
	[QMP_MIGRATION_EVENTS] =
		("\"migrate-set-capabilities\",\"arguments\":{\"capabilities\":"
		 "[{\"capability\":\"events\",\"state\":true}]}"),
	[QMP_NAME] = "\"query-name\"",
	[QMP_UUID] = "\"query-uuid\"",
	[QMP_STATUS] = "\"query-status\"",
	[QMP_MIGRATION] = "\"query-migrate\"",
};

/* --- talking -------------------------------------------------------------- */

/* A line is far smaller than the socket's buffer. If it does not fit, QEMU has read
 * none of the lines before it: the connection is as good as dead, and shutting it
 * down lets the reader find that. */
void qmp_ask(Qmp *qmp, QmpCommand command)
{
	g_autofree char *line = g_strdup_printf("{\"execute\":%s,\"id\":%d}\n",
						texts[command], (int)command);
	size_t size = strlen(line);

	if (send(qmp->fd, line, size, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)size)
		shutdown(qmp->fd, SHUT_RDWR);
}

/* --- messages ---------------------------------------------------------------- */

static struct json_object *member(struct json_object *object, const char *key,
				  enum json_type type)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) &&
			       json_object_is_type(value, type)
		       ? value
		       : NULL;
}

/* QEMU has -1 for seconds when it could not tell the time. */
static int64_t time_of(struct json_object *message)
{
	struct json_object *stamp = member(message, "timestamp", json_type_object);
	int64_t seconds = json_object_get_int64(
		stamp ? member(stamp, "seconds", json_type_int) : NULL);
	int64_t micros = json_object_get_int64(
		stamp ? member(stamp, "microseconds", json_type_int) : NULL);

	if (seconds <= 0 || seconds > G_MAXUINT32 || micros < 0 ||
	    micros >= G_USEC_PER_SEC)
		return 0;
	return seconds * G_USEC_PER_SEC + micros;
}

static const char *take_answer(Qmp *qmp, struct json_object *id,
			       struct json_object *value)
{
	int64_t command = json_object_get_int64(id);

	if (!id || command < 0 || command >= QMP_COMMANDS)
		return NULL; /* not to us */
	if (command != QMP_CAPABILITIES) {
		if (qmp->ready)
			qmp->ops->answer(qmp->data, (QmpCommand)command, value);
		return NULL;
	}
	if (!value)
		return "it refuses qmp_capabilities";
	if (qmp->ready)
		return NULL;
	g_source_remove(qmp->patience);
	qmp->patience = 0;
	qmp->ready = true;
	qmp->ops->ready(qmp->data);
	return NULL;
}

/* Why the connection is of no use, or NULL. */
static const char *take_message(Qmp *qmp, struct json_object *message)
{
	struct json_object *event = member(message, "event", json_type_string);
	struct json_object *value;

	if (!qmp->greeted) {
		if (!member(message, "QMP", json_type_object))
			return "it does not speak QMP";
		qmp->greeted = true;
		qmp_ask(qmp, QMP_CAPABILITIES);
	} else if (event && qmp->ready) {
		qmp->ops->event(qmp->data, json_object_get_string(event),
				time_of(message),
				member(message, "data", json_type_object));
	} else if (json_object_object_get_ex(message, "error", &value)) {
		return take_answer(qmp, member(message, "id", json_type_int), NULL);
	} else if (json_object_object_get_ex(message, "return", &value)) {
		return take_answer(qmp, member(message, "id", json_type_int), value);
	}
	return NULL;
}

/* --- reading ----------------------------------------------------------------- */

static const char *take_bytes(Qmp *qmp, const char *bytes, size_t size)
{
	const char *why = NULL;

	while (size && !why) {
		struct json_object *message = json_tokener_parse_ex(qmp->tokener, bytes,
								    (int)size);
		enum json_tokener_error result = json_tokener_get_error(qmp->tokener);
		size_t used = MIN(json_tokener_get_parse_end(qmp->tokener), size);

		qmp->size += used;
		if (result == json_tokener_continue)
			return qmp->size > QMP_MESSAGE_MAX
				       ? "it sends a message of more than 1 MiB"
				       : NULL;
		if (result != json_tokener_success || !used ||
		    !json_object_is_type(message, json_type_object))
			why = "it does not speak QMP";
		else
			why = take_message(qmp, message);
		json_object_put(message);
		qmp->size = 0;
		bytes += used;
		size -= used;
	}
	return why;
}

static const char *read_some(Qmp *qmp)
{
	char bytes[READ_SIZE];

	for (int i = 0; i < READ_COUNT; i++) {
		ssize_t size = recv(qmp->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		const char *why;

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return errno == EAGAIN ? NULL : g_strerror(errno);
		if (size == 0)
			return "it ended";
		why = take_bytes(qmp, bytes, (size_t)size);
		if (why)
			return why;
	}
	return NULL;
}

static gboolean readable(gint fd, GIOCondition condition, void *data)
{
	Qmp *qmp = data;
	const char *why = read_some(qmp);

	(void)fd;
	(void)condition;
	if (!why)
		return G_SOURCE_CONTINUE;
	qmp->source = 0;
	qmp->ops->closed(qmp->data, why);
	return G_SOURCE_REMOVE;
}

/* We may have been kept from reading what has come in time. */
static gboolean out_of_patience(void *data)
{
	Qmp *qmp = data;
	const char *why = read_some(qmp);

	if (qmp->ready && !why)
		return G_SOURCE_REMOVE;
	if (!qmp->ready)
		qmp->patience = 0;
	qmp->ops->closed(qmp->data,
			 why ? why : "it does not answer: somebody else has it");
	return G_SOURCE_REMOVE;
}

Qmp *qmp_new(int fd, const QmpOps *ops, void *data)
{
	Qmp *qmp = g_new0(Qmp, 1);

	qmp->fd = fd;
	qmp->ops = ops;
	qmp->data = data;
	qmp->tokener = json_tokener_new();
	qmp->source = g_unix_fd_add(fd, G_IO_IN, readable, qmp);
	qmp->patience = g_timeout_add(QMP_PATIENCE, out_of_patience, qmp);
	return qmp;
}

void qmp_free(Qmp *qmp)
{
	if (!qmp)
		return;
	if (qmp->source)
		g_source_remove(qmp->source);
	if (qmp->patience)
		g_source_remove(qmp->patience);
	json_tokener_free(qmp->tokener);
	close(qmp->fd);
	g_free(qmp);
}
