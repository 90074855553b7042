# SPDX-License-Identifier: LGPL-2.1-or-later
"""guard_model.py - what a guest may send, said once more

From the RFCs and from l3vm.conf(5), not from the rules: what guard.py holds against
them. It knows the guest of frames.py.
"""
from frames import *

OURS4, OURS6 = [ip4(OWN4), ip4(SECOND4)], [ip6(OWN6), ip6(LOCAL6)]
NET4, NET6 = ip4(BEHIND4)[:3], ip6(BEHIND6)[:8]  # its prefixes, a /24 and a /64
NOBODY4, NOBODY6 = bytes(4), bytes(16)


def own4(address):
    return address in OURS4 or address[:3] == NET4


def own6(address):
    return address in OURS6 or address[:8] == NET6


def may_arp(p):  # RFC 826; RFC 5227 for the probe
    op, sender, target = p[6:8], p[14:18], p[24:28]
    probe = op == b"\0\1" and sender == NOBODY4 and target in OURS4
    return (p[:6] == b"\0\1\x08\0\6\4" and op in (b"\0\1", b"\0\2") and
            p[8:14] == mac(MAC) and (own4(sender) or probe))


def may_ip4(p):
    source, message = p[12:16], p[(p[0] & 15) * 4:]
    whole = not int.from_bytes(p[6:8], "big") & 0x1FFF  # or its first fragment
    udp, icmp = whole and p[9] == 17, whole and p[9] == 1
    if udp and source == NOBODY4 and p[16:20] == b"\xff" * 4:
        return message[:4] == b"\0\x44\0\x43"  # DHCP, RFC 2131
    return own4(source) and not (udp and message[:2] == b"\0\x43") and not (
        icmp and message[0] in (5, 9))  # RFC 792, RFC 1256


def chain6(p):
    """Number and bytes of what is behind the extension headers: b"" in all but the
    first fragment, None if there is nothing (RFC 7112). Behind an authentication
    header looks only who has the key."""
    number, at = p[6], 40
    while number in (0, 43, 44, 60) and at + 8 <= len(p):
        if number == 44 and int.from_bytes(p[at + 2:at + 4], "big") & 0xFFF8:
            return p[at], b""
        number, at = p[at], at + (8 if number == 44 else (p[at + 1] + 1) * 8)
    return number, None if number in (0, 43, 44, 60) else p[at:] or None


def may_discover(p, m):  # RFC 4861 (6.1.1, 7.1.1, 7.1.2), RFC 6980, RFC 7527
    source, to, target, options = p[8:24], p[24:40], m[8:24], m[24:]
    if p[6] != 58 or p[7] != 255 or len(m) < 8 or m[1] != 0:
        return False
    lladdr = {133: 1, 135: 1, 136: 2}[m[0]].to_bytes(1, "big") + b"\1" + mac(MAC)
    if m[0] == 133:
        return m[8:] == b"" or (m[8:] == lladdr and source != NOBODY6)
    if len(m) < 24 or target[0] == 255:
        return False
    if m[0] == 136:
        return source != NOBODY6 and target in OURS6 and options in (b"", lladdr) and not (
            to[0] == 255 and m[4] & 0x40)
    if source == NOBODY6:
        return target in OURS6 and to[:13] == ip6("ff02::1:ff00:0")[:13] and (
            options == b"" or (len(options) == 8 and options[:2] == b"\x0e\1"))
    return options in (b"", lladdr)


def may_ip6(p, bridged):
    source, to = p[8:24], p[24:40]
    router_only = not bridged and to[:2] >= b"\xfe\x80" and to[:2] < b"\xfe\xc0"
    if (router_only and to != ip6(GATEWAY6)) or not (own6(source) or source == NOBODY6):
        return False
    number, m = chain6(p)
    if not m:
        return m == b"" and own6(source)
    if number == 58 and m[0] in (133, 135, 136):
        return may_discover(p, m)
    if source == NOBODY6:
        return number == 58 and m[0] in (131, 132, 143)  # RFC 2710, RFC 3810
    return not (number == 58 and m[0] in (134, 137)) and not (
        number == 17 and m[:2] == b"\x02\x23")  # DHCP servers, RFC 8415


def is_packet(kind, p, bridged):
    """Otherwise the host's IP throws it away, behind the guard or before"""
    size = int.from_bytes(p[2:4] if kind == 0x0800 else p[4:6], "big")
    if kind == 0x0800:
        head = (p[0] & 15) * 4
        return p[0] >> 4 == 4 and 20 <= head and head + 8 <= size <= len(p) and (
            checksum(p[:head]) == 0)
    if chain6(p)[1] and chain6(p[:40 + size])[1] is None:
        return False  # what it lacks is in the frame's padding
    return p[0] >> 4 == 6 and 8 <= size <= len(p) - 40 and (bridged or p[6] != 0) and (
        p[24:40] not in (NOBODY6, ip6("::1")) and (p[24] != 255 or p[25] & 15 > 1))


def verdict(frame, bridged):
    """"may", "may not", "now and then" (what its prefixes say of neighbours), or "never
    mind": nobody takes it for anything"""
    while not bridged and frame[12:14] in (b"\x81\0", b"\x88\xa8") and (
            int.from_bytes(frame[14:16], "big") & 0xFFF == 0):
        frame = frame[:12] + frame[16:]  # as the kernel does
    kind, p = int.from_bytes(frame[12:14], "big"), frame[14:]
    elsewhere = frame[:5] == mac("01:80:c2:00:00") if bridged else (
        frame[:6] != mac(ROUTER) and not frame[0] & 1)
    if elsewhere or (kind in (0x0800, 0x86DD) and not is_packet(kind, p, bridged)):
        return "never mind"
    if frame[6:12] != mac(MAC):
        return "may not"
    if kind == 0x0800:
        ok = may_ip4(p[:int.from_bytes(p[2:4], "big")])
    elif kind == 0x86DD:
        ok = may_ip6(p[:40 + int.from_bytes(p[4:6], "big")], bridged)
    else:
        ok = may_arp(p) if kind == 0x0806 else bridged and kind == 0x8035
    if ok and (kind == 0x0806 and p[14:17] == NET4 or kind == 0x86DD and
               p[8:16] == NET6 and chain6(p)[1][:1] in (b"\x85", b"\x87", b"\x88")):
        return "now and then"
    return "may" if ok else "may not"
