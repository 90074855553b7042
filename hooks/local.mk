# SPDX-License-Identifier: LGPL-2.1-or-later
# hooks/local.mk - the programs that libvirt runs
sbin_PROGRAMS += \
	l3vm-libvirt-qemu \
	l3vm-libvirt-network
# all but the two mains, so that tests can link it
noinst_LTLIBRARIES += libl3vm-hooks.la

libl3vm_hooks_la_SOURCES = \
	%D%/domxml.c %D%/domxml.h \
	%D%/hook.c %D%/hook.h \
	%D%/netxml.c %D%/netxml.h \
	%D%/process.c %D%/process.h \
	%D%/verdict.c %D%/verdict.h \
	%D%/xml.c %D%/xml.h
libl3vm_hooks_la_CPPFLAGS = $(AM_CPPFLAGS) $(XML_CFLAGS)
libl3vm_hooks_la_LIBADD = $(XML_LIBS) $(GLIB_LIBS)
libl3vm_hooks_la_LDFLAGS = $(L3VM_HARDEN_LDFLAGS)

l3vm_libvirt_qemu_SOURCES = %D%/qemu.c
l3vm_libvirt_qemu_CPPFLAGS = $(AM_CPPFLAGS) $(XML_CFLAGS)
l3vm_libvirt_qemu_LDADD = libl3vm-hooks.la libl3vm.la $(XML_LIBS) $(GLIB_LIBS)

l3vm_libvirt_network_SOURCES = %D%/network.c
l3vm_libvirt_network_CPPFLAGS = $(AM_CPPFLAGS) $(XML_CFLAGS)
l3vm_libvirt_network_LDADD = libl3vm-hooks.la libl3vm.la $(XML_LIBS) $(GLIB_LIBS)

# Not part of "install": linking the hooks makes libvirt run them.
EXTRA_DIST += %D%/link-hooks.sh
install-hooks:
	@DESTDIR='$(DESTDIR)' $(SHELL) $(srcdir)/%D%/link-hooks.sh install \
		'$(hooksdir)' '$(sbindir)'
uninstall-hooks:
	@DESTDIR='$(DESTDIR)' $(SHELL) $(srcdir)/%D%/link-hooks.sh uninstall \
		'$(hooksdir)' '$(sbindir)'
