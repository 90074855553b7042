/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bare-attach.c - an attach by hand, as a process
 *
 *     bare-attach IFNAME MAC ADDRESS4 ADDRESS6
 *
 * It is linked with the libraries that l3vm is linked with, though it calls
 * none of them: loading them is no cost that l3vm could avoid.
 */
#include "bare.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	if (argc != 5) {
		fputs("usage: bare-attach IFNAME MAC ADDRESS4 ADDRESS6\n", stderr);
		return 2;
	}
	bare_attach(bare_open(), false, argv[1], argv[2], argv[3], argv[4]);
	return 0;
}
