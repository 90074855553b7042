#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# fabrics.sh - the fabrics of examples/fabrics, each with BIRD and with FRR: ranks,
# moves that lose nothing, and a router that dies
#
# L3VM_FABRICS and L3VM_DAEMONS name some of them only, L3VM_DEATHS how often a router
# dies.
# timeout: 300
set -euo pipefail
# The daemons mostly wait: BIRD and FRR at the same time, each in a lab of its own.
[[ -n ${L3VM_DAEMONS-} ]] ||
	exec "$(dirname "$0")/../lib/at-once" L3VM_DAEMONS bird frr -- "$0"
. "$(dirname "$0")/fabrics-common.sh"

fabrics_begin
for fabric in ${L3VM_FABRICS:-two-tors reflector racks unnumbered ospf default-only}; do
	links_up "$fabric"
	for daemon in $L3VM_DAEMONS; do
		daemons_begin
		# Its OSPF does not see the metric of a route of the kernel.
		[[ $fabric/$daemon == ospf/frr ]] || {
			ranks hv1 hv2
			ranks hv2 hv1
		}
		moves
		# In racks the guests die with their router.
		[[ $fabric == racks ]] || for ((i = 1; i <= ${L3VM_DEATHS:-1}; i++)); do
			((i == 1)) || router_returns
			router_dies
		done
		diag "$fabric, $daemon: $SECONDS s so far"
		daemons_end
	done
done
lab_done_testing
