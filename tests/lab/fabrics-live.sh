#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# fabrics-live.sh - live migration where it is most unlike that below one router:
# between racks, and where hypervisors do not hear of each other's guests
# timeout: 300
set -euo pipefail
. "$(dirname "$0")/fabrics-common.sh"

fabrics_begin
for fabric in ${L3VM_FABRICS:-racks default-only}; do
	links_up "$fabric"
	for daemon in ${L3VM_DAEMONS:-bird frr}; do
		daemons_begin
		live
		diag "$fabric, $daemon: $SECONDS s so far"
		daemons_end
	done
done
lab_done_testing
