# SPDX-License-Identifier: LGPL-2.1-or-later
# tests/fuzz/local.mk - the fuzz targets: replayed by tests/run, run by `make fuzz`
fuzz_targets = \
	%D%/fuzz-addr \
	%D%/fuzz-config \
	%D%/fuzz-daemon \
	%D%/fuzz-diff \
	%D%/fuzz-domxml \
	%D%/fuzz-engine \
	%D%/fuzz-exabgp \
	%D%/fuzz-exec \
	%D%/fuzz-frame \
	%D%/fuzz-ganeti \
	%D%/fuzz-migration \
	%D%/fuzz-netlink \
	%D%/fuzz-netxml \
	%D%/fuzz-qemu \
	%D%/fuzz-qmp \
	%D%/fuzz-record \
	%D%/fuzz-timeline
check_PROGRAMS += $(fuzz_targets)
noinst_LTLIBRARIES += %D%/libreplay.la
tests_fuzz_libreplay_la_SOURCES = %D%/replay.c %D%/fuzz.h

# what `make fuzz` calls the targets with: then replay.c has no main()
libfuzzer =
fuzz_ldadd = %D%/libreplay.la $(libfuzzer) $(LDADD) $(JSON_LIBS) $(NL_LIBS)
tests_fuzz_fuzz_addr_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_config_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_daemon_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_diff_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_domxml_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_engine_SOURCES = %D%/fuzz-engine.c tests/unit/engine-host.c
tests_fuzz_fuzz_engine_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_exabgp_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_exec_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_frame_SOURCES = %D%/fuzz-frame.c agent/scout.c agent/watch-guest.c
tests_fuzz_fuzz_frame_CPPFLAGS = $(agent_cppflags)
tests_fuzz_fuzz_frame_LDADD = $(fuzz_ldadd)
# Ganeti's directory is where the target makes it
tests_fuzz_fuzz_ganeti_SOURCES = %D%/fuzz-ganeti.c ganeti/env.c ganeti/node.c
tests_fuzz_fuzz_ganeti_CPPFLAGS = $(AM_CPPFLAGS) \
	-UL3VM_GANETI_RUNDIR -DL3VM_GANETI_RUNDIR='"."'
tests_fuzz_fuzz_ganeti_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_migration_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_netlink_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_netlink_CPPFLAGS = $(AM_CPPFLAGS) $(NL_CFLAGS)
tests_fuzz_fuzz_netxml_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_qemu_SOURCES = %D%/fuzz-qemu.c agent/watch-ganeti.c
tests_fuzz_fuzz_qemu_CPPFLAGS = $(agent_cppflags)
tests_fuzz_fuzz_qemu_LDADD = libl3vm-ifup.la $(fuzz_ldadd)
tests_fuzz_fuzz_qmp_SOURCES = %D%/fuzz-qmp.c agent/qmp.c
tests_fuzz_fuzz_qmp_CPPFLAGS = $(agent_cppflags)
tests_fuzz_fuzz_qmp_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_record_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_timeline_SOURCES = %D%/fuzz-timeline.c cli/output.c cli/text.c \
	cli/timeline-axis.c cli/timeline-label.c cli/timeline-lane.c \
	cli/timeline-moves.c cli/timeline-panel.c cli/timeline-read.c \
	cli/timeline-svg.c cli/timeline-text.c cli/timeline-track.c
tests_fuzz_fuzz_timeline_CPPFLAGS = $(AM_CPPFLAGS) $(XML_CFLAGS)
tests_fuzz_fuzz_timeline_LDADD = $(fuzz_ldadd)

# make fuzz [SECONDS=n] [TARGETS="..."]: clang, its sanitizers and libFuzzer, in a
# build of its own
SECONDS = 60
TARGETS = $(fuzz_targets)
fuzz:
	@$(SHELL) -c 'exec bash "$$@"' fuzz $(srcdir)/%D%/run $(SECONDS) \
		'$(abs_builddir)/%D%/build' $(TARGETS)
.PHONY: fuzz
