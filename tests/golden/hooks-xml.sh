#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# hooks-xml.sh - what the hooks understand of XML that libvirt wrote, and of worse
#
# REGENERATE=1 takes the answers of now for the right ones.
set -euo pipefail
. "${L3VM_SRC:?}/tests/lib/tap.sh"

program=${L3VM_BUILD:?}/tests/golden/hook-xml
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# golden DOCUMENT MODE: the answer is beside the document
golden() {
	local name=${1%.xml}
	"$program" "$2" <"$1" >"$work/out" 2>"$work/err" ||
		echo "status $?" >>"$work/out"
	cat "$work/err" >>"$work/out"
	same_file "$work/out" "$name.txt" "${name##*/golden/} as $2" || :
}

for document in "$L3VM_SRC"/tests/golden/domxml/*.xml; do
	golden "$document" domain
done
for document in "$L3VM_SRC"/tests/golden/netxml/*.xml; do
	golden "$document" network
done

# What is wrong in the metadata must not keep a guest from being removed.
for document in "$L3VM_SRC"/tests/golden/domxml/bad-{version,element,text,type}.xml; do
	is "$("$program" identity <"$document")" \
		'domain name="vm1" uuid="11111111-2222-3333-4444-000000000001"' \
		"${document##*/} still tells which guest it is"
done

done_testing
