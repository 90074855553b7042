# SPDX-License-Identifier: LGPL-2.1-or-later
# ganeti/local.mk - the programs that Ganeti runs, and what makes it run them
sbin_PROGRAMS += \
	l3vm-ganeti-vif \
	l3vm-ganeti-hook

l3vm_ganeti_vif_SOURCES = \
	%D%/env.c %D%/env.h \
	%D%/vif.c
l3vm_ganeti_vif_LDADD = libl3vm.la $(GLIB_LIBS)

l3vm_ganeti_hook_SOURCES = \
	%D%/env.c %D%/env.h \
	%D%/hook.c \
	%D%/node.c %D%/node.h
l3vm_ganeti_hook_LDADD = libl3vm.la $(JSON_LIBS) $(GLIB_LIBS)

# What link-ganeti.sh puts below /etc/ganeti, where a cluster wants it.
ganetidir = $(pkgdatadir)/ganeti
ganeti_scripts = %D%/kvm-vif-bridge %D%/network
nodist_ganeti_SCRIPTS = $(ganeti_scripts)
dist_ganeti_SCRIPTS = %D%/link-ganeti.sh
dist_ganeti_DATA = %D%/agent.conf
CLEANFILES += $(ganeti_scripts)
EXTRA_DIST += $(ganeti_scripts:=.in) %D%/README.md

$(ganeti_scripts): %: %.in Makefile
	$(substitute) $< >$@.tmp && chmod +x $@.tmp && mv $@.tmp $@

# Not part of "install": it makes Ganeti run them.
install-ganeti:
	@DESTDIR='$(DESTDIR)' $(SHELL) $(srcdir)/%D%/link-ganeti.sh install \
		/etc/ganeti '$(sbindir)' '$(builddir)/%D%'
uninstall-ganeti:
	@DESTDIR='$(DESTDIR)' $(SHELL) $(srcdir)/%D%/link-ganeti.sh uninstall \
		/etc/ganeti '$(sbindir)' '$(builddir)/%D%'
