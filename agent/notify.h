/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* notify.h - telling systemd how we are (sd_notify(3), without its library) */
#ifndef L3VM_AGENT_NOTIFY_H
#define L3VM_AGENT_NOTIFY_H

/* @state: "READY=1", "WATCHDOG=1" ... Nothing happens when nobody asked. */
void notify_systemd(const char *state);

#endif
