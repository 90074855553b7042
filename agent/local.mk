# SPDX-License-Identifier: LGPL-2.1-or-later
# agent/local.mk - the agent
#
# It is part of the library's own code that happens to run as a program: it
# reads records and kernel notifications, so it links the convenience library.
sbin_PROGRAMS += l3vm-agent

l3vm_agent_SOURCES = \
	%D%/agent.h \
	%D%/announcing.c \
	%D%/check.c \
	%D%/gateway-burst.c \
	%D%/guest-events.c \
	%D%/hold.c \
	%D%/main.c \
	%D%/notify.c %D%/notify.h \
	%D%/qmp.c %D%/qmp.h \
	%D%/scout.c %D%/scout.h \
	%D%/tracker.c \
	%D%/tun.c \
	%D%/watch-ganeti.c \
	%D%/watch-guest.c \
	%D%/watch-kernel.c \
	%D%/watch-qmp.c
if HAVE_LIBVIRT
l3vm_agent_SOURCES += %D%/watch-libvirt.c
endif
l3vm_agent_CPPFLAGS = $(AM_CPPFLAGS) $(LIBVIRT_CFLAGS)
l3vm_agent_LDADD = libl3vm-core.la $(LIBVIRT_LIBS) $(JSON_LIBS) $(GLIB_LIBS)
