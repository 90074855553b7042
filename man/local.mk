# SPDX-License-Identifier: LGPL-2.1-or-later
# man/local.mk - manual pages, with the paths of this build in them
man_pages = \
	%D%/l3vm-agent.8 \
	%D%/l3vm-announce.7 \
	%D%/l3vm-ganeti.7 \
	%D%/l3vm-guest-network.8 \
	%D%/l3vm-hooks.7 \
	%D%/l3vm-qemu-ifup.8 \
	%D%/l3vm.8 \
	%D%/l3vm.conf.5
dist_man_sources = $(man_pages:=.in)

nodist_man_MANS = $(man_pages)
CLEANFILES += $(man_pages)
EXTRA_DIST += $(dist_man_sources)

$(man_pages): %: %.in Makefile
	$(substitute) $< >$@.tmp && mv $@.tmp $@
