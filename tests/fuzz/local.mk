# SPDX-License-Identifier: LGPL-2.1-or-later
# tests/fuzz/local.mk - the fuzz targets: replayed by tests/run, run by `make fuzz`
fuzz_targets = \
	%D%/fuzz-addr \
	%D%/fuzz-config \
	%D%/fuzz-diff \
	%D%/fuzz-domxml \
	%D%/fuzz-frame \
	%D%/fuzz-migration \
	%D%/fuzz-netlink \
	%D%/fuzz-netxml \
	%D%/fuzz-qmp \
	%D%/fuzz-record
check_PROGRAMS += $(fuzz_targets)
noinst_LTLIBRARIES += %D%/libreplay.la
tests_fuzz_libreplay_la_SOURCES = %D%/replay.c %D%/fuzz.h

# what `make fuzz` calls the targets with: then replay.c has no main()
libfuzzer =
fuzz_ldadd = %D%/libreplay.la $(libfuzzer) $(LDADD) $(JSON_LIBS) $(NL_LIBS)
tests_fuzz_fuzz_addr_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_config_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_diff_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_domxml_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_frame_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_migration_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_netlink_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_netlink_CPPFLAGS = $(AM_CPPFLAGS) $(NL_CFLAGS)
tests_fuzz_fuzz_netxml_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_qmp_SOURCES = %D%/fuzz-qmp.c agent/qmp.c
tests_fuzz_fuzz_qmp_CPPFLAGS = $(agent_cppflags)
tests_fuzz_fuzz_qmp_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_record_LDADD = $(fuzz_ldadd)

# make fuzz [SECONDS=n] [TARGETS="..."]: clang, its sanitizers and libFuzzer, in a
# build of its own
SECONDS = 60
TARGETS = $(fuzz_targets)
fuzz:
	@$(SHELL) -c 'exec bash "$$@"' fuzz $(srcdir)/%D%/run $(SECONDS) \
		'$(abs_builddir)/%D%/build' $(TARGETS)
.PHONY: fuzz
