# SPDX-License-Identifier: LGPL-2.1-or-later
# cli/local.mk - the command l3vm
sbin_PROGRAMS += \
	l3vm

l3vm_SOURCES = \
	%D%/args.c %D%/args.h \
	%D%/cli.h \
	%D%/cmd-attach.c \
	%D%/cmd-check.c \
	%D%/cmd-detach.c \
	%D%/cmd-migrate-notify.c \
	%D%/cmd-reconcile.c \
	%D%/cmd-service.c \
	%D%/cmd-status.c \
	%D%/cmd-timeline.c \
	%D%/complete.c %D%/complete.h \
	%D%/help.c %D%/help.h \
	%D%/main.c \
	%D%/output.c %D%/output.h \
	%D%/text.c %D%/text.h \
	%D%/timeline.h \
	%D%/timeline-axis.c \
	%D%/timeline-label.c \
	%D%/timeline-lane.c \
	%D%/timeline-moves.c \
	%D%/timeline-panel.c \
	%D%/timeline-read.c \
	%D%/timeline-svg.c %D%/timeline-svg.h \
	%D%/timeline-text.c \
	%D%/timeline-track.c
l3vm_LDADD = libl3vm.la $(JSON_LIBS) $(GLIB_LIBS)
