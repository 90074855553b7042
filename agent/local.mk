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
	%D%/sandbox.c %D%/sandbox.h \
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
l3vm_agent_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_builddir)/%D% $(LIBVIRT_CFLAGS) \
	$(SECCOMP_CFLAGS)
l3vm_agent_LDADD = libl3vm-core.la $(LIBVIRT_LIBS) $(JSON_LIBS) $(GLIB_LIBS) \
	$(SECCOMP_LIBS)

# What the sources say in comments ("syscalls: read write"), once each.
%D%/l3vm_agent-sandbox.$(OBJEXT): %D%/syscalls.h
CLEANFILES += %D%/syscalls.h
%D%/syscalls.h: $(l3vm_agent_SOURCES) $(libl3vm_core_la_SOURCES)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && cat $^ | \
		$(SED) -n 's|^.*\* syscalls: \([a-z0-9_ ]*\).*|\1|p' | \
		tr -s ' ' '\n' | sort -u | \
		$(SED) -n 's|..*|SCMP_SYS(&),|p' >$@.tmp && mv $@.tmp $@
