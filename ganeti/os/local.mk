# SPDX-License-Identifier: LGPL-2.1-or-later
# ganeti/os/local.mk - scripts that write the network files of guests
guest_network_made = \
	%D%/debootstrap-hook \
	%D%/l3vm-guest-network
EXTRA_DIST += $(guest_network_made:=.in) %D%/README.md
CLEANFILES += $(guest_network_made)

nodist_sbin_SCRIPTS = %D%/l3vm-guest-network
dist_pkgdata_DATA = %D%/guest-network.sh
# linked by the administrator: see ganeti/os/README.md
nodist_pkgdata_SCRIPTS = %D%/debootstrap-hook

$(guest_network_made): %: %.in Makefile
	$(substitute) $< >$@.tmp && chmod +x $@.tmp && mv $@.tmp $@
