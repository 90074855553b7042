# SPDX-License-Identifier: LGPL-2.1-or-later
# systemd/local.mk - units, and the user and directory that they need
#
# Below the prefix: systemd looks there under /usr and /usr/local.
systemd_made = \
	%D%/l3vm-agent.service \
	%D%/l3vm-guard.service \
	%D%/l3vm-reconcile.service \
	%D%/sysusers.d/l3vm.conf \
	%D%/tmpfiles.d/l3vm.conf
EXTRA_DIST += $(systemd_made:=.in) %D%/l3vm-reconcile.timer

if HAVE_LIBVIRT
agent_groups = SupplementaryGroups=libvirt
else
agent_groups = \#SupplementaryGroups=libvirt
endif

if HAVE_SYSTEMD
CLEANFILES += $(systemd_made)
nodist_systemdsystemunit_DATA = %D%/l3vm-agent.service %D%/l3vm-guard.service \
	%D%/l3vm-reconcile.service
systemdsystemunit_DATA = %D%/l3vm-reconcile.timer
nodist_sysusers_DATA = %D%/sysusers.d/l3vm.conf
nodist_tmpfiles_DATA = %D%/tmpfiles.d/l3vm.conf

$(systemd_made): %: %.in Makefile
	$(substitute) -e 's|@agent_groups[@]|$(agent_groups)|' $< >$@.tmp && \
		mv $@.tmp $@
endif
