# SPDX-License-Identifier: LGPL-2.1-or-later
# completion/local.mk - completion for bash, which finds it as COMMAND.bash
bashcompdir = $(datadir)/bash-completion/completions
dist_bashcomp_DATA = \
	%D%/l3vm.bash
