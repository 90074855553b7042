# SPDX-License-Identifier: LGPL-2.1-or-later
# tests/bench/local.mk - figures and ratios against peers: `make bench`, as root
#
# check_PROGRAMS, so that the test run compiles them and they cannot rot.
bench_programs = \
	%D%/bare-attach \
	%D%/crowd \
	%D%/guard \
	%D%/hook \
	%D%/in-process \
	%D%/parse-only \
	%D%/processes
check_PROGRAMS += $(bench_programs)

# libtool's wrapper scripts would be measured instead of the programs.
bench_ldflags = $(L3VM_HARDEN_LDFLAGS) -no-install
bench_common = %D%/bench.c %D%/bench.h
bench_bare = %D%/bare.c %D%/bare.h

tests_bench_processes_SOURCES = %D%/processes.c $(bench_common)
tests_bench_processes_LDFLAGS = $(bench_ldflags)
tests_bench_processes_LDADD = $(GLIB_LIBS)

tests_bench_in_process_SOURCES = %D%/in-process.c $(bench_common) $(bench_bare)
tests_bench_in_process_LDFLAGS = $(bench_ldflags)
tests_bench_in_process_LDADD = libl3vm.la $(GLIB_LIBS)

tests_bench_crowd_SOURCES = %D%/crowd.c %D%/writes.c %D%/writes.h \
	$(bench_common) $(bench_bare)
tests_bench_crowd_LDFLAGS = $(bench_ldflags)
tests_bench_crowd_LDADD = libl3vm.la $(GLIB_LIBS)

tests_bench_guard_SOURCES = %D%/guard.c $(bench_common)
tests_bench_guard_LDFLAGS = $(bench_ldflags)
tests_bench_guard_LDADD = libl3vm.la $(GLIB_LIBS)

tests_bench_hook_SOURCES = %D%/hook.c $(bench_common)
tests_bench_hook_LDFLAGS = $(bench_ldflags)
tests_bench_hook_LDADD = $(GLIB_LIBS)

# It calls none of the libraries, but is to load what l3vm loads.
tests_bench_bare_attach_SOURCES = %D%/bare-attach.c $(bench_bare)
tests_bench_bare_attach_LDFLAGS = $(L3VM_HARDEN_LDFLAGS) -Wl,--no-as-needed
tests_bench_bare_attach_LDADD = $(NL_LIBS) $(JSON_LIBS) $(GLIB_LIBS)

tests_bench_parse_only_SOURCES = %D%/parse-only.c
tests_bench_parse_only_CPPFLAGS = $(AM_CPPFLAGS) $(XML_CFLAGS)
tests_bench_parse_only_LDFLAGS = $(L3VM_HARDEN_LDFLAGS)
tests_bench_parse_only_LDADD = $(XML_LIBS)

EXTRA_DIST += %D%/run %D%/agent %D%/fabric %D%/ganeti %D%/moves %D%/script-attach.sh

# What is measured is what would be installed.
bench: all-am $(bench_programs)
	@$(MKDIR_P) %D%/root
	@$(MAKE) $(AM_MAKEFLAGS) install-libLTLIBRARIES install-sbinPROGRAMS \
		DESTDIR='$(abs_builddir)/%D%/root' >/dev/null
	@$(SHELL) -c 'exec bash "$$@"' bench $(srcdir)/%D%/run \
		'$(abs_builddir)/%D%/root$(sbindir)' \
		'$(abs_builddir)/%D%/root$(libdir)' \
		'$(abs_builddir)/%D%' $(BENCH)
.PHONY: bench

# What real migrations cost; some minutes. Needs the lab tier's packages.
bench-moves: all-am
	@L3VM_SRC='$(abs_top_srcdir)' L3VM_BUILD='$(abs_builddir)' \
		$(SHELL) -c 'exec bash "$$@"' moves $(srcdir)/%D%/moves
.PHONY: bench-moves

# What routing daemons and fabrics do with the routes; some minutes. Needs the lab
# tier's packages.
bench-fabric: all-am
	@L3VM_SRC='$(abs_top_srcdir)' L3VM_BUILD='$(abs_builddir)' \
		$(SHELL) -c 'exec bash "$$@"' fabric $(srcdir)/%D%/fabric
.PHONY: bench-fabric

# What the agent costs; some minutes. Needs the netns tier's packages.
bench-agent: all-am
	@L3VM_SRC='$(abs_top_srcdir)' L3VM_BUILD='$(abs_builddir)' \
		$(SHELL) -c 'exec bash "$$@"' agent $(srcdir)/%D%/agent
.PHONY: bench-agent

# What migrations cost on a Ganeti cluster; some minutes. Needs that tier's packages.
bench-ganeti: all-am
	@L3VM_SRC='$(abs_top_srcdir)' L3VM_BUILD='$(abs_builddir)' \
		$(SHELL) -c 'exec bash "$$@"' ganeti $(srcdir)/%D%/ganeti
.PHONY: bench-ganeti

clean-local: clean-bench
clean-bench:
	rm -rf %D%/root
.PHONY: clean-bench
