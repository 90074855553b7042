#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# autogen.sh - makes ./configure out of configure.ac; needed after a git clone
set -eu
cd "$(dirname "$0")"
mkdir -p build-aux
autoreconf --install --force --warnings=all
echo "Now type: ./configure --prefix=/usr --sysconfdir=/etc && make"
