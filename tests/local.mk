# SPDX-License-Identifier: LGPL-2.1-or-later
# tests/local.mk - the test programs; tests/run is what runs everything
#
# A program tests/TIER/test-X is made of tests/TIER/test-X.c unless it says
# otherwise, and links the library's inside.
unit_tests = \
	%D%/unit/test-addr \
	%D%/unit/test-agent-config \
	%D%/unit/test-agent-evidence \
	%D%/unit/test-agent-ganeti \
	%D%/unit/test-agent-qmp \
	%D%/unit/test-agent-sandbox \
	%D%/unit/test-agent-scout \
	%D%/unit/test-arp \
	%D%/unit/test-checksum \
	%D%/unit/test-clock \
	%D%/unit/test-config \
	%D%/unit/test-cursor \
	%D%/unit/test-diff \
	%D%/unit/test-domxml \
	%D%/unit/test-engine \
	%D%/unit/test-engine-faults \
	%D%/unit/test-engine-find \
	%D%/unit/test-engine-migrate \
	%D%/unit/test-engine-nic \
	%D%/unit/test-engine-policy \
	%D%/unit/test-error \
	%D%/unit/test-events \
	%D%/unit/test-guest-name \
	%D%/unit/test-hook \
	%D%/unit/test-inject \
	%D%/unit/test-intent \
	%D%/unit/test-lock \
	%D%/unit/test-log \
	%D%/unit/test-migration \
	%D%/unit/test-migration-random \
	%D%/unit/test-name \
	%D%/unit/test-nd \
	%D%/unit/test-network \
	%D%/unit/test-netxml \
	%D%/unit/test-nic \
	%D%/unit/test-object \
	%D%/unit/test-plan \
	%D%/unit/test-port \
	%D%/unit/test-qemu-cmdline \
	%D%/unit/test-reconcile \
	%D%/unit/test-record \
	%D%/unit/test-service \
	%D%/unit/test-state \
	%D%/unit/test-state-owner \
	%D%/unit/test-status \
	%D%/unit/test-verdict
contract_tests = \
	%D%/contract/test-daemon \
	%D%/contract/test-engine-crash \
	%D%/contract/test-engine-crowd \
	%D%/contract/test-kernel-fake \
	%D%/contract/test-kernel-joined \
	%D%/contract/test-kernel-netlink \
	%D%/contract/test-netlink-faults
test_headers = \
	%D%/contract/contract.h \
	%D%/contract/killer.h \
	%D%/contract/netlink-faults.h \
	%D%/contract/netns.h \
	%D%/contract/real-host.h \
	%D%/unit/config-place.h \
	%D%/unit/engine-host.h \
	%D%/unit/hook-documents.h \
	%D%/unit/migration-world.h \
	%D%/unit/record-place.h \
	%D%/unit/values.h

tests_unit_test_engine_SOURCES = %D%/unit/test-engine.c %D%/unit/engine-host.c
tests_unit_test_engine_faults_SOURCES = %D%/unit/test-engine-faults.c \
	%D%/unit/engine-host.c
tests_unit_test_engine_find_SOURCES = %D%/unit/test-engine-find.c \
	%D%/unit/engine-host.c
tests_unit_test_engine_migrate_SOURCES = %D%/unit/test-engine-migrate.c \
	%D%/unit/engine-host.c
tests_unit_test_engine_nic_SOURCES = %D%/unit/test-engine-nic.c %D%/unit/engine-host.c
tests_unit_test_engine_policy_SOURCES = %D%/unit/test-engine-policy.c \
	%D%/unit/engine-host.c
tests_unit_test_migration_random_SOURCES = %D%/unit/test-migration-random.c \
	%D%/unit/migration-host.c %D%/unit/migration-world.c
tests_unit_test_reconcile_SOURCES = %D%/unit/test-reconcile.c %D%/unit/engine-host.c
tests_unit_test_service_SOURCES = %D%/unit/test-service.c %D%/unit/engine-host.c
tests_unit_test_status_SOURCES = %D%/unit/test-status.c %D%/unit/engine-host.c

# one source for what every kernel has to keep
contract_sources = %D%/contract/contract.c \
	%D%/contract/contract-effects.c \
	%D%/contract/contract-objects.c \
	%D%/contract/contract-observe.c \
	%D%/contract/contract-routes.c
tests_contract_test_kernel_fake_SOURCES = %D%/contract/test-kernel-fake.c \
	$(contract_sources)
tests_contract_test_kernel_joined_SOURCES = %D%/contract/test-kernel-joined.c \
	%D%/contract/netns.c
tests_contract_test_kernel_netlink_SOURCES = %D%/contract/test-kernel-netlink.c \
	%D%/contract/netns.c $(contract_sources)
tests_contract_test_engine_crash_SOURCES = %D%/contract/test-engine-crash.c \
	%D%/contract/killer.c %D%/contract/netns.c %D%/contract/real-host.c
tests_contract_test_engine_crowd_SOURCES = %D%/contract/test-engine-crowd.c \
	%D%/contract/netns.c %D%/contract/real-host.c

tests_contract_test_netlink_faults_SOURCES = %D%/contract/test-netlink-faults.c \
	%D%/contract/netlink-faults.c %D%/contract/netns.c %D%/contract/real-host.c
tests_contract_test_netlink_faults_LDFLAGS = -export-dynamic

tests_crash_dies_before_SOURCES = %D%/crash/dies-before.c %D%/contract/killer.c
tests_crash_dies_before_LDADD = $(GLIB_LIBS)

LDADD = libl3vm-hooks.la libl3vm-core.la $(CMOCKA_LIBS) $(XML_LIBS) $(GLIB_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += $(unit_tests) $(contract_tests)
endif
check_PROGRAMS += %D%/crash/dies-before

# Parts of the agent, with the rest of it played by the test.
agent_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/agent
agent_ldadd = $(LDADD) $(JSON_LIBS)
tests_unit_test_agent_evidence_SOURCES = %D%/unit/test-agent-evidence.c \
	agent/watch-guest.c
tests_unit_test_agent_evidence_CPPFLAGS = $(agent_cppflags)
tests_unit_test_agent_ganeti_SOURCES = %D%/unit/test-agent-ganeti.c \
	agent/watch-ganeti.c
tests_unit_test_agent_ganeti_CPPFLAGS = $(agent_cppflags)
tests_unit_test_agent_qmp_SOURCES = %D%/unit/test-agent-qmp.c %D%/unit/qmp-place.h \
	agent/guest-events.c agent/qmp.c agent/watch-ganeti.c agent/watch-qmp.c
tests_unit_test_agent_qmp_CPPFLAGS = $(agent_cppflags)
tests_unit_test_agent_qmp_LDADD = $(agent_ldadd)
tests_unit_test_agent_sandbox_SOURCES = %D%/unit/test-agent-sandbox.c agent/sandbox.c
tests_unit_test_agent_sandbox_CPPFLAGS = $(agent_cppflags) -I$(top_builddir)/agent
agent/tests_unit_test_agent_sandbox-sandbox.$(OBJEXT): agent/syscalls.h
tests_unit_test_agent_sandbox_LDADD = $(LDADD) $(SECCOMP_LIBS)
tests_unit_test_agent_scout_SOURCES = %D%/unit/test-agent-scout.c agent/scout.c
tests_unit_test_agent_scout_CPPFLAGS = $(agent_cppflags)
tests_unit_test_qemu_cmdline_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/qemu-ifup
tests_unit_test_qemu_cmdline_LDADD = libl3vm-ifup.la $(LDADD) $(JSON_LIBS)

# What the scripts of the golden tier ask about the hooks: how they read XML,
# and which calls their mains make of an engine that writes them down.
check_PROGRAMS += %D%/golden/hook-xml %D%/golden/stub-libvirt-qemu \
	%D%/golden/stub-libvirt-network %D%/golden/stub-ganeti-vif \
	%D%/golden/stub-ganeti-hook
stub_ldadd = libl3vm-hooks.la $(XML_LIBS) $(GLIB_LIBS)
tests_golden_hook_xml_SOURCES = %D%/golden/hook-xml.c %D%/golden/stub-engine.c
tests_golden_hook_xml_LDADD = $(stub_ldadd)
tests_golden_stub_libvirt_qemu_SOURCES = hooks/qemu.c %D%/golden/stub-engine.c
tests_golden_stub_libvirt_qemu_LDADD = $(stub_ldadd)
tests_golden_stub_libvirt_network_SOURCES = hooks/network.c %D%/golden/stub-engine.c
tests_golden_stub_libvirt_network_LDADD = $(stub_ldadd)
tests_golden_stub_ganeti_vif_SOURCES = ganeti/env.c ganeti/vif.c \
	%D%/golden/stub-engine.c
tests_golden_stub_ganeti_vif_LDADD = $(GLIB_LIBS)
tests_golden_stub_ganeti_hook_SOURCES = ganeti/env.c ganeti/hook.c ganeti/node.c \
	%D%/golden/stub-engine.c
tests_golden_stub_ganeti_hook_LDADD = $(JSON_LIBS) $(GLIB_LIBS)

# The same for the program that QEMU runs.
check_PROGRAMS += %D%/golden/stub-qemu-ifup
tests_golden_stub_qemu_ifup_SOURCES = qemu-ifup/ifup.c %D%/golden/stub-engine.c
tests_golden_stub_qemu_ifup_LDADD = libl3vm-ifup.la $(GLIB_LIBS) $(JSON_LIBS)

# The state table as spin reads it.
check_PROGRAMS += %D%/model/print-table
tests_model_print_table_LDADD = libl3vm-core.la $(GLIB_LIBS)

# Scripts and data; dist-hook takes out what a build in the tree leaves there.
test_folders = \
	%D%/contract \
	%D%/crash \
	%D%/fuzz \
	%D%/golden \
	%D%/model \
	%D%/netns \
	%D%/lab \
	%D%/ganeti
EXTRA_DIST += $(test_headers) %D%/conformance.md %D%/run %D%/packages %D%/lib \
	%D%/lint $(test_folders)

build-tests: all-am $(check_PROGRAMS)
.PHONY: build-tests

# What needs no privilege, with the runner that tests/run uses.
check-local: $(check_PROGRAMS) $(sbin_PROGRAMS)
	@L3VM_SRC='$(abs_top_srcdir)' L3VM_BUILD='$(abs_top_builddir)' \
		$(srcdir)/%D%/lib/run-tiers unit golden
