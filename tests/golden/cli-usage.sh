#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# cli-usage.sh - l3vm's help, version and completion, against golden files
set -euo pipefail

# shellcheck source=../lib/tap.sh
. "${L3VM_SRC:?}/tests/lib/tap.sh"

golden=$L3VM_SRC/tests/golden/cli
l3vm=${L3VM_BUILD:?}/l3vm
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export L3VM_CONFIG=$tmp/l3vm.conf L3VM_STATE_DIR=$tmp/state

# golden FILE ARGUMENTS...: the text that the arguments print
golden() {
	local file=$1 status=0
	shift
	"$l3vm" "$@" >"$tmp/out" 2>"$tmp/err" || status=$?
	is "$status $(cat "$tmp/err")" "0 " "l3vm $*: succeeds in silence"
	same_file "$tmp/out" "$golden/$file" "l3vm $*: prints $file"
}

golden usage.txt help
golden usage.txt --help
golden usage.txt -h
for verb in attach detach plan migrate-notify status reconcile announce check \
	metrics timeline service version help; do
	golden "help-$verb.txt" help "$verb"
	golden "help-$verb.txt" "$verb" --help
	like "$(cat "$golden/usage.txt")" $'\n  '"$verb" "the usage text has $verb"
done

like "$("$l3vm" version)" '^l3vm [0-9]+\.[0-9]+\.[0-9]+$' "version"
is "$("$l3vm" --version)" "$("$l3vm" version)" "--version is version"
is "$("$l3vm" -V)" "$("$l3vm" version)" "-V is version"
is "$("$l3vm" attach --version)" "$("$l3vm" version)" "--version after a verb"
is "$("$l3vm" status)" "no ports" "status of a host without ports"
is "$("$l3vm" status --json | tr -d ' \n')" '{"version":1,"ports":[],"services":[]}' \
	"the same as JSON"
ok "detaching what is not there is success" "$l3vm" detach --guest nobody
ok "also by interface" "$l3vm" detach --ifname nothing0

# --- standard output that does not take it ---------------------------------

for verb in version help status; do
	status=0
	"$l3vm" "$verb" 2>"$tmp/err" >/dev/full || status=$?
	is "$status" 1 "$verb to a full disk fails"
	like "$(cat "$tmp/err")" '^l3vm: standard output: No space left' \
		"$verb says that the disk is full"
	status=0
	"$l3vm" "$verb" 2>"$tmp/err" >&- || status=$?
	is "$status" 1 "$verb without a standard output fails"
done
# A pipe that nobody reads any more: opened both ways, the read side shut.
mkfifo "$tmp/fifo"
# shellcheck disable=SC2094 # nothing is read
exec 7<>"$tmp/fifo" 8>"$tmp/fifo" 7<&-
status=0
"$l3vm" version 2>"$tmp/err" >&8 || status=$?
exec 8>&-
is "$status" 1 "a closed pipe is a failure and not a signal"
like "$(cat "$tmp/err")" '^l3vm: standard output: Broken pipe' "and is named"

# --- completion -------------------------------------------------------------

complete_words() {
	"$l3vm" --complete "$@" | tr '\n' ' '
}
is "$(complete_words st)" "status " "a verb is completed"
is "$(complete_words plan --format '')" "ip json " "a word is completed"
is "$(complete_words plan --format = j)" "json " "a word after =, as bash splits it"
is "$(complete_words attach --p)" "--prefix --prepared " "an option is completed"
is "$(complete_words attach --ifname '')" ":ifname " "interfaces are the shell's"
is "$(complete_words --config '')" ":file " "files are the shell's"
is "$(complete_words migrate-notify '')" "" "no guest, nothing to offer"

# shellcheck source=../../completion/l3vm.bash
. "$L3VM_SRC/completion/l3vm.bash"
COMP_WORDS=("$l3vm" migrate-notify --phase le)
COMP_CWORD=3
_l3vm
is "${COMPREPLY[*]}" "leaving left" "the completion script for bash asks l3vm"

done_testing
