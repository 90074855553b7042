# SPDX-License-Identifier: LGPL-2.1-or-later
# qemu-ifup/local.mk - the program that QEMU and libvirt's <script> run for a tap
sbin_PROGRAMS += l3vm-qemu-ifup
# all but the main, so that tests can link it
noinst_LTLIBRARIES += libl3vm-ifup.la

libl3vm_ifup_la_SOURCES = \
	%D%/cmdline.c %D%/cmdline.h \
	%D%/option.c %D%/option.h
libl3vm_ifup_la_LIBADD = $(JSON_LIBS) $(GLIB_LIBS)
libl3vm_ifup_la_LDFLAGS = $(L3VM_HARDEN_LDFLAGS)

l3vm_qemu_ifup_SOURCES = %D%/ifup.c
l3vm_qemu_ifup_LDADD = libl3vm-ifup.la libl3vm.la $(JSON_LIBS) $(GLIB_LIBS)

# The other name of the same program
install-exec-hook:
	cd $(DESTDIR)$(sbindir) && $(LN_S) -f l3vm-qemu-ifup l3vm-qemu-ifdown
uninstall-hook:
	rm -f $(DESTDIR)$(sbindir)/l3vm-qemu-ifdown
