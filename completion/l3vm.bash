# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# l3vm.bash - completion of l3vm's command line
#
# The program is asked: it prints what may stand in place of the last word, or
# says what the shell knows better. The names of verbs, options and guests are
# in no second place.

_l3vm() {
	local answer word=${COMP_WORDS[COMP_CWORD]}

	# The command as it was typed: a build that is not installed completes too.
	answer=$("${COMP_WORDS[0]}" --complete "${COMP_WORDS[@]:1:COMP_CWORD}" \
		2>/dev/null) || return 0
	# bash splits "--format=ip" at the '='; what follows it is the word.
	[ "$word" = = ] && word=
	case $answer in
	'') COMPREPLY=() ;;
	:file) _l3vm_files -f "$word" ;;
	:dir) _l3vm_files -d "$word" ;;
	:ifname)
		mapfile -t COMPREPLY < <(cd /sys/class/net && compgen -f -- "$word")
		;;
	# A guest's name may have spaces and quotes; what goes into the line is
	# what the shell reads back as the name.
	*)
		mapfile -t COMPREPLY <<<"$answer"
		mapfile -t COMPREPLY < <(printf '%q\n' "${COMPREPLY[@]}")
		;;
	esac
}

# Only paths get a slash at the end: a guest may be called like a directory.
_l3vm_files() {
	mapfile -t COMPREPLY < <(compgen "$1" -- "$2")
	compopt -o filenames 2>/dev/null || :
}

complete -F _l3vm l3vm
