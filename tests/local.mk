# SPDX-License-Identifier: LGPL-2.1-or-later
# tests/local.mk - the test programs; tests/run is what runs everything
#
# A program tests/TIER/test-X is made of tests/TIER/test-X.c unless it says
# otherwise, and links the library's inside.
unit_tests = \
	%D%/unit/test-addr \
	%D%/unit/test-arp \
	%D%/unit/test-checksum \
	%D%/unit/test-clock \
	%D%/unit/test-config \
	%D%/unit/test-cursor \
	%D%/unit/test-diff \
	%D%/unit/test-domxml \
	%D%/unit/test-error \
	%D%/unit/test-hook \
	%D%/unit/test-inject \
	%D%/unit/test-intent \
	%D%/unit/test-lock \
	%D%/unit/test-log \
	%D%/unit/test-migration \
	%D%/unit/test-name \
	%D%/unit/test-nd \
	%D%/unit/test-network \
	%D%/unit/test-netxml \
	%D%/unit/test-nic \
	%D%/unit/test-object \
	%D%/unit/test-plan \
	%D%/unit/test-port \
	%D%/unit/test-record \
	%D%/unit/test-state \
	%D%/unit/test-verdict
contract_tests =
test_headers = \
	%D%/contract/contract.h \
	%D%/unit/config-place.h \
	%D%/unit/hook-documents.h \
	%D%/unit/record-place.h \
	%D%/unit/values.h

LDADD = libl3vm-hooks.la libl3vm-core.la $(CMOCKA_LIBS) $(XML_LIBS) $(GLIB_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += $(unit_tests) $(contract_tests)
endif

# What the scripts of the golden tier ask about the hooks: how they read XML,
# and which calls their mains make of an engine that writes them down.
check_PROGRAMS += %D%/golden/hook-xml %D%/golden/stub-libvirt-qemu \
	%D%/golden/stub-libvirt-network
stub_ldadd = libl3vm-hooks.la $(XML_LIBS) $(GLIB_LIBS)
tests_golden_hook_xml_SOURCES = %D%/golden/hook-xml.c %D%/golden/stub-engine.c
tests_golden_hook_xml_LDADD = $(stub_ldadd)
tests_golden_stub_libvirt_qemu_SOURCES = hooks/qemu.c %D%/golden/stub-engine.c
tests_golden_stub_libvirt_qemu_LDADD = $(stub_ldadd)
tests_golden_stub_libvirt_network_SOURCES = hooks/network.c %D%/golden/stub-engine.c
tests_golden_stub_libvirt_network_LDADD = $(stub_ldadd)

# Scripts and data; dist-hook takes out what a build in the tree leaves there.
test_folders = \
	%D%/golden \
	%D%/netns \
	%D%/lab
EXTRA_DIST += $(test_headers) %D%/run %D%/packages %D%/lib %D%/lint $(test_folders)

build-tests: all-am $(check_PROGRAMS)
.PHONY: build-tests

# What needs no privilege, with the runner that tests/run uses.
check-local: $(check_PROGRAMS) $(sbin_PROGRAMS)
	@L3VM_SRC='$(abs_top_srcdir)' L3VM_BUILD='$(abs_top_builddir)' \
		$(srcdir)/%D%/lib/run-tiers unit golden
