/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* engine-session.c - one guest, locked: the frame of every verb */
#include "engine.h"

void l3vm_session_end(L3vmSession *session)
{
	if (session->lock && session->guest && !session->guest->ports->len &&
	    !session->guest->nics->len && !session->guest->incoming)
		l3vm_lock_retire(session->lock);
	l3vm_lock_release(session->lock);
	l3vm_guest_free(session->guest);
}

bool l3vm_session_begin(L3vmSession *session, L3vm *host, const char *name,
			const char *uuid, GError **error)
{
	session->host = host;
	if (!l3vm_need_store(host, error))
		return false;
	session->lock = l3vm_lock_take(host->store, uuid ? uuid : name,
				       L3VM_LOCK_TIMEOUT, error);
	if (!session->lock)
		return false;
	session->guest = l3vm_guest_load(host->store, name, uuid, error);
	return session->guest;
}

bool l3vm_session_for(L3vmSession *session, L3vm *host, const L3vmPort *port,
		      GError **error)
{
	return l3vm_session_begin(session, host, port->guest, port->uuid, error);
}
