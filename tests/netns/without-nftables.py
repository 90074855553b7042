#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""without-nftables.py COMMAND...: as on a kernel that was built without netfilter

Its sockets are refused as such a kernel does it, by a filter of system calls.
"""
import ctypes
import errno
import os
import struct
import sys

NETLINK_NETFILTER = 12
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
SOCKET = {"x86_64": 41, "aarch64": 198}[os.uname().machine]
NUMBER, FAMILY, PROTOCOL = 0, 16, 32  # in struct seccomp_data
NETLINK = 16

filters = [
    (LOAD, 0, 0, NUMBER), (EQUAL, 0, 5, SOCKET),
    (LOAD, 0, 0, FAMILY), (EQUAL, 0, 3, NETLINK),
    (LOAD, 0, 0, PROTOCOL), (EQUAL, 0, 1, NETLINK_NETFILTER),
    (RETURN, 0, 0, ERRNO | errno.EPROTONOSUPPORT),
    (RETURN, 0, 0, ALLOW),
]
code = b"".join(struct.pack("HBBI", *one) for one in filters)
buffer = ctypes.create_string_buffer(code, len(code))
program = struct.pack("HxxxxxxP", len(filters), ctypes.addressof(buffer))
prctl = ctypes.CDLL(None, use_errno=True).prctl
if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0)):
    sys.exit(os.strerror(ctypes.get_errno()))
os.execvp(sys.argv[1], sys.argv[1:])
