# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# sources.sh - which files of the tree are sources

# source_files TOP [PATTERN...]: the files below TOP, NUL-terminated, without
# what .gitignore calls generated. An empty repository lends git's rules, so it
# works in an unpacked tarball, and for root in somebody else's clone.
source_files() {
	local top=$1 empty
	shift
	empty=$(mktemp -d)
	GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 \
		git init -q --bare "$empty"
	(cd "$top" && GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 \
		GIT_DIR=$empty GIT_WORK_TREE=$top \
		git ls-files -z --others --exclude-standard -- "$@")
	rm -rf "$empty"
}

# stage_sources TOP DIR: makes DIR a copy of the sources. Times of change are
# kept, so a second build compiles only what differs; what autogen.sh has made
# in DIR stays, what has gone from TOP goes.
stage_sources() {
	local top=$1 dir=$2
	mkdir -p "$dir"
	source_files "$top" | sort -z >"$dir/.sources.new"
	if [ -e "$dir/.sources" ]; then
		comm -z -23 "$dir/.sources" "$dir/.sources.new" |
			(cd "$dir" && xargs -0r rm -f --)
	fi
	tar -C "$top" -c --null -T "$dir/.sources.new" | tar -C "$dir" -x
	mv "$dir/.sources.new" "$dir/.sources"
}
