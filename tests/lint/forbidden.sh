#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# forbidden.sh - what must not stand anywhere in the tree, or in parts of it
set -euo pipefail
. "${L3VM_SRC:?}/tests/lib/lint.sh"

lint_files .
# split so that this file does not find itself; "$dir"/root/ is no such path
nothing "no path of somebody's machine" "$(
	grep -nIE "(^|[[:space:]=:(,])[\"'\`]?/(wor""k|roo""t|hom""e/[a-z]+)/" \
		"${files[@]}" || :)"
nothing "no blanks at the end of a line" "$(
	grep -nIE '[[:blank:]]+$' "${files[@]}" |
		grep -vE '^(COPYING|tests/golden/.*/)' | cut -c1-100 || :)"
nothing "every text file ends with a newline" "$(
	for file in "${files[@]}"; do
		[ ! -s "$file" ] || [ -z "$(tail -c 1 "$file" | tr -d '\n\0')" ] ||
			! grep -qI . "$file" || [[ $file = tests/*/*/* ]] ||
			echo "$file"
	done)"

lint_files '*.[ch]' '*.sh' '*.mk' '*.am' '*.ac' '*.m4'
nothing "every source says its licence in its first three lines" "$(
	for file in "${files[@]}"; do
		head -n 3 "$file" |
			grep -q 'SPDX-License-Identifier: LGPL-2.1-or-later' ||
			echo "$file"
	done)"

# no_call NAME FUNCTION...: none of them is called; each may be a regex
no_call() {
	local name=$1 IFS='|'
	shift
	nothing "$name" "$(uses "\<($*)\(")"
}

# the one exception is what the administrator has configured, in the agent
lint_files 'libl3vm/*.[ch]' 'cli/*.[ch]' 'hooks/*.[ch]' 'ganeti/*.[ch]' \
	':!libl3vm/announce/announce-exec.c'
no_call "no program is run: netlink, or nothing" system popen 'v?fork' \
	'exec[lv]p?e?' 'posix_spawnp?' 'g_spawn_[a-z_]+' 'g_subprocess_[a-z_]+'
lint_files 'libl3vm/*.[ch]' 'cli/*.[ch]' 'hooks/*.[ch]' 'ganeti/*.[ch]'
no_call "no thread, no plug-in, no GObject" 'pthread_[a-z_]+' 'g_thread_[a-z_]+' \
	'g_module_[a-z_]+' 'g_object_[a-z_]+' g_type_register_static
is "$(uses '\<dlopen\(' | cut -d : -f 1)" libl3vm/guard/guard.c \
	"no library is opened but the one that is needed once after a boot"
nothing "no goto" "$(uses '\<goto\>')"
no_call "no unbounded or unchecked string function" strcpy strcat sprintf vsprintf \
	gets strtok atoi atol alloca

lint_files 'libl3vm/*.[ch]'
# g_error() stays, for memory that could not be had: GLib ends the program there too
no_call "the library does not print and does not exit" printf puts putchar perror \
	exit _exit abort 'g_(print|printerr|warning|message|critical)'
nothing "only base/log.c writes to stderr" "$(
	uses '\<stderr\>' | grep -v '^libl3vm/base/log.c:' || :)"
no_call "no cache of libnl is used" 'nl_cache_[a-z_]+' 'rtnl_[a-z_]+_alloc_cache'

done_testing
