/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * qmp.h - one connection to a QEMU monitor (docs/interop/qmp-spec.rst)
 *
 * What QEMU says is taken as it comes, in pieces or many messages at once, and
 * within bounds: a monitor that says nothing, something else than QMP, or too much
 * at once is closed, with the reason. Nothing here waits.
 */
#ifndef L3VM_AGENT_QMP_H
#define L3VM_AGENT_QMP_H

#include <json-c/json.h>
#include <stdint.h>

typedef struct Qmp Qmp;

/* What is asked of a monitor; the texts are in qmp.c. */
typedef enum {
	QMP_CAPABILITIES,     /* begins; the others come after it */
	QMP_MIGRATION_EVENTS, /* turns them on, for the life of that QEMU */
	QMP_NAME,
	QMP_UUID,
	QMP_STATUS,
	QMP_MIGRATION,
	QMP_COMMANDS,
} QmpCommand;

typedef struct QmpOps {
	/* It takes commands from now on. */
	void (*ready)(void *data);
	/* @when: QEMU's time stamp, microseconds since 1970, or 0. @details, the
	 * event's data, may be NULL. */
	void (*event)(void *data, const char *event, int64_t when,
		      struct json_object *details);
	/* @value is NULL if the command failed. In the order of the questions. */
	void (*answer)(void *data, QmpCommand command, struct json_object *value);
	/* It is over, and @why. Here, and in no other of these, qmp_free() may be
	 * called. */
	void (*closed)(void *data, const char *why);
} QmpOps;

/* Milliseconds in which the greeting has to come: QEMU talks to one client at a
 * time, and another's connection hangs until that one leaves. */
#define QMP_PATIENCE	2000
/* Bytes of a message. */
#define QMP_MESSAGE_MAX (1024 * 1024)

/* Takes @fd, a connected stream that does not block. */
Qmp *qmp_new(int fd, const QmpOps *ops, void *data);
void qmp_free(Qmp *qmp);
/* Only when it is ready. */
void qmp_ask(Qmp *qmp, QmpCommand command);

#endif
