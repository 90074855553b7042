# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# seeds.sh - where the seeds of a fuzz target are, and its scratch files

# records are written through to the disk, each time
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm

# seed_folders TOP NAME: the golden files serve, where the input is the same
seed_folders() {
	case $2 in
	domxml | netxml) echo "$1/tests/golden/$2" ;;
	esac
	[ ! -d "$1/tests/fuzz/corpus/$2" ] || echo "$1/tests/fuzz/corpus/$2"
}
