# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lint.sh - what the scripts of the lint tier share
. "${L3VM_SRC:?}/tests/lib/tap.sh"
. "${L3VM_SRC:?}/tests/lib/sources.sh"
cd "$L3VM_SRC" || exit

# lint_files PATTERN...: sets files to the sources that git's pathspecs match
lint_files() {
	mapfile -d '' -t files < <(source_files "$L3VM_SRC" "$@")
}

# lint_scripts: sets files to the shell scripts, whatever their names
lint_scripts() {
	local file line
	local -a all=()
	lint_files .
	for file in "${files[@]}"; do
		IFS= read -r line <"$file" 2>/dev/null || continue
		case $line in
		'#!'*sh | '# shellcheck shell='*) all+=("$file") ;;
		esac
	done
	files=("${all[@]}")
}

# need TOOL...: ends the script (skipped) without them
need() {
	local tool
	for tool; do
		command -v "$tool" >/dev/null || skip_all "needs $tool"
	done
}

# nothing NAME OFFENDERS: a point that fails with the list of offenders
nothing() {
	[ -n "$2" ] || { pass "$1"; return; }
	fail "$1"
	diag "$2"
}

# code FILE: the C without comments and strings, with line numbers kept
code() {
	sed -e 's/"\([^"\\]\|\\.\)*"/""/g' "$1" | awk '{
		out = ""
		while (length($0)) {
			if (inside) {
				end = index($0, "*/")
				if (!end) { $0 = ""; break }
				$0 = substr($0, end + 2); inside = 0
			} else {
				start = index($0, "/*")
				if (!start) { out = out $0; $0 = ""; break }
				out = out substr($0, 1, start - 1) " "
				$0 = substr($0, start + 2); inside = 1
			}
		}
		print out
	}'
}

# uses REGEX: "FILE:LINE: text" for each line of code in $files that matches
uses() {
	local file
	for file in "${files[@]}"; do
		if [ ! -e "$lint_code/$file" ]; then
			mkdir -p "$lint_code/${file%/*}"
			code "$file" >"$lint_code/$file"
		fi
	done
	(cd "$lint_code" && grep -nHE "$1" "${files[@]}") || :
}

lint_code=$(mktemp -d)
trap 'rm -rf "$lint_code"' EXIT
