# SPDX-License-Identifier: LGPL-2.1-or-later
# libl3vm/local.mk - the library
#
# All code is in a convenience library, which the unit tests link to reach what
# is not exported; libl3vm itself adds nothing but its symbol map.
noinst_LTLIBRARIES += libl3vm-core.la
lib_LTLIBRARIES += libl3vm.la
include_HEADERS = %D%/l3vm.h

libl3vm_core_la_SOURCES = \
	%D%/engine.c %D%/engine.h \
	%D%/engine-announce.c \
	%D%/engine-attach.c \
	%D%/engine-check.c \
	%D%/engine-commit.c \
	%D%/engine-detach.c \
	%D%/engine-find.c \
	%D%/engine-migrate.c \
	%D%/engine-network.c \
	%D%/engine-reconcile.c \
	%D%/engine-reserve.c \
	%D%/engine-resolve.c \
	%D%/engine-service.c \
	%D%/engine-session.c \
	%D%/engine-status.c %D%/engine-status.h \
	%D%/engine-view.c %D%/engine-view.h \
	%D%/base/addr.c %D%/base/addr.h \
	%D%/base/clock.c %D%/base/clock.h \
	%D%/base/error.c %D%/base/error.h \
	%D%/base/log.c %D%/base/log.h \
	%D%/base/name.c %D%/base/name.h \
	%D%/guard/guard.c %D%/guard/guard.h \
	%D%/model/diff.c %D%/model/diff.h \
	%D%/model/guard.c %D%/model/guard.h \
	%D%/model/intent.c %D%/model/intent.h \
	%D%/model/migration.c %D%/model/migration.h \
	%D%/model/network.c %D%/model/network.h \
	%D%/model/object.c %D%/model/object.h \
	%D%/model/plan.c %D%/model/plan.h \
	%D%/model/plan-text.c \
	%D%/model/port.c %D%/model/port.h \
	%D%/model/service.c %D%/model/service.h \
	%D%/kernel/kernel.c %D%/kernel/kernel.h \
	%D%/kernel/kernel-fake.c \
	%D%/kernel/kernel-netlink.c %D%/kernel/kernel-netlink.h \
	%D%/kernel/kernel-netlink-apply.c \
	%D%/kernel/kernel-netlink-guard.c \
	%D%/kernel/kernel-netlink-link.c \
	%D%/kernel/kernel-netlink-listener.c %D%/kernel/listener.h \
	%D%/kernel/kernel-netlink-observe.c \
	%D%/kernel/kernel-netlink-route.c \
	%D%/kernel/kernel-netlink-settings.c \
	%D%/kernel/monitor.c %D%/kernel/monitor.h \
	%D%/kernel/nft.c %D%/kernel/nft.h \
	%D%/kernel/nl.c %D%/kernel/nl.h \
	%D%/kernel/sysctl.c %D%/kernel/sysctl.h \
	%D%/frame/arp.c %D%/frame/arp.h \
	%D%/frame/capture.c %D%/frame/capture.h \
	%D%/frame/checksum.c %D%/frame/checksum.h \
	%D%/frame/cursor.c %D%/frame/cursor.h \
	%D%/frame/inject.c %D%/frame/inject.h \
	%D%/frame/nd.c %D%/frame/nd.h \
	%D%/announce/announce-kernel.c \
	%D%/announce/announce-exabgp.c \
	%D%/announce/announce-exec.c \
	%D%/announce/announce-neighbour.c \
	%D%/announce/announcer.c %D%/announce/announcer.h \
	%D%/announce/daemon.c %D%/announce/daemon.h \
	%D%/announce/daemon-bird.c \
	%D%/announce/daemon-check.c \
	%D%/announce/daemon-frr.c \
	%D%/announce/dialogue.c %D%/announce/dialogue.h \
	%D%/announce/gateway.c \
	%D%/announce/lines.c %D%/announce/lines.h \
	%D%/store/announced.c %D%/store/announced.h \
	%D%/store/config.c %D%/store/config.h \
	%D%/store/events.c \
	%D%/store/files.c %D%/store/files.h \
	%D%/store/json.c %D%/store/json.h \
	%D%/store/keyfile.c %D%/store/keyfile.h \
	%D%/store/lock.c %D%/store/lock.h \
	%D%/store/record.c %D%/store/record.h \
	%D%/store/reservation.c \
	%D%/store/section.h \
	%D%/store/section-announcer.c \
	%D%/store/section-network.c \
	%D%/store/section-nic.c \
	%D%/store/table.c %D%/store/table.h \
	%D%/store/value.c %D%/store/value.h
nodist_libl3vm_core_la_SOURCES = %D%/guard/rules.c
libl3vm_core_la_CPPFLAGS = $(AM_CPPFLAGS) $(NL_CFLAGS) $(NFTABLES_CFLAGS)
libl3vm_core_la_LIBADD = $(NL_LIBS) $(JSON_LIBS) $(GLIB_LIBS)
libl3vm_core_la_LDFLAGS = $(L3VM_HARDEN_LDFLAGS)

# current:revision:age as libtool counts them: an added function is C+1:0:A+1,
# anything that breaks a caller C+1:0:0, all else C:R+1:A.
libl3vm_la_SOURCES =
libl3vm_la_LIBADD = libl3vm-core.la
libl3vm_la_LDFLAGS = $(L3VM_HARDEN_LDFLAGS) -version-info 0:0:0 \
	-Wl,--version-script=$(top_srcdir)/%D%/libl3vm.map
libl3vm_la_DEPENDENCIES = libl3vm-core.la %D%/libl3vm.map

# The guard's rules: a file for nft(8), in which the chains that ports of both modes
# go through stand once for each family that needs them; and the same in the library.
guard_parts = %D%/guard/l3vm-guard.nft.in %D%/guard/port-chains.nft \
	%D%/guard/arp-rules.nft
nodist_pkgdata_DATA = %D%/guard/l3vm-guard.nft
EXTRA_DIST += $(guard_parts)
CLEANFILES += %D%/guard/l3vm-guard.nft %D%/guard/rules.c

%D%/guard/l3vm-guard.nft: $(guard_parts) Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SED) -e 's|@sysconfdir[@]|$(sysconfdir)|' \
		-e '/^@port-chains@$$/{' -e 'r $(srcdir)/%D%/guard/port-chains.nft' \
		-e d -e '}' \
		-e '/^@arp-rules@$$/{' -e 'r $(srcdir)/%D%/guard/arp-rules.nft' \
		-e d -e '}' $(srcdir)/%D%/guard/l3vm-guard.nft.in >$@.all && \
	sum=`cksum <$@.all` && \
	$(SED) -e "s|@version[@]|$${sum%% *}|" $@.all >$@.tmp && rm $@.all && \
		mv $@.tmp $@

%D%/guard/rules.c: %D%/guard/l3vm-guard.nft
	$(AM_V_GEN){ echo '#include "guard/guard.h"'; \
	$(SED) -n 's|^.*comment \("l3vm [0-9]*"\).*|\1|p' %D%/guard/l3vm-guard.nft | \
		$(SED) -e 's|.*|const char l3vm_guard_comment[] = &;|' -e q; \
	echo 'const char l3vm_guard_rules[] ='; \
	$(SED) -e 's|[\\"]|\\&|g' -e 's|.*|"&\\n"|' %D%/guard/l3vm-guard.nft; \
	echo ';'; } >$@.tmp && mv $@.tmp $@

pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = %D%/l3vm.pc
EXTRA_DIST += %D%/libl3vm.map
