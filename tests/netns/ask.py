#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ask.py - asks by ARP and ND who has an address, in forms that no tool sends

	ask.py IFNAME QUESTION... -- FENCE

Sends the questions in order, then FENCE, a question that the host does answer,
and prints each answer as "ADDRESS is-at MAC", with " for us" if it is for this
interface's own MAC alone. The host answers in order, so when the fence is
answered every other answer has come: that nobody answers is known without
waiting for a time. Exit status 1 if the fence is not answered in 3 seconds.

Questions:
	probe:A       ARP request for A from 0.0.0.0 (duplicate address detection)
	announce:A    gratuitous ARP request: sender and target are A
	reply:A       gratuitous ARP reply
	ask:A:S       ARP request for A from S
	dad:A         neighbour solicitation for A from :: (the same, IPv6)
	ask6:A,S      neighbour solicitation for A from S
Prefix a question with MAC/ to send it from that MAC.
"""
import ipaddress
import socket
import struct
import sys
import time

BROADCAST = b"\xff" * 6


def mac_bytes(text):
    return bytes.fromhex(text.replace(":", ""))


def mac_text(mac):
    return mac.hex(":")


def arp(mac, op, sender, target, target_mac=bytes(6)):
    sender = ipaddress.IPv4Address(sender).packed
    target = ipaddress.IPv4Address(target).packed
    return (BROADCAST + mac + b"\x08\x06" +
            struct.pack("!HHBBH", 1, 0x0800, 6, 4, op) +
            mac + sender + target_mac + target)


def checksum(source, destination, message):
    data = source + destination + struct.pack("!II", len(message), 58) + message
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def solicitation(mac, source, target):
    source = ipaddress.IPv6Address(source).packed
    target = ipaddress.IPv6Address(target).packed
    group = bytes.fromhex("ff0200000000000000000001ff") + target[-3:]
    option = b"" if source == bytes(16) else b"\x01\x01" + mac
    message = struct.pack("!BBHI", 135, 0, 0, 0) + target + option
    value = checksum(source, group, message)
    message = message[:2] + struct.pack("!H", value) + message[4:]
    header = struct.pack("!IHBB", 6 << 28, len(message), 58, 255)
    return (b"\x33\x33" + group[-4:] + mac + b"\x86\xdd" + header + source +
            group + message)


def question(text, mac):
    if "/" in text:
        own, text = text.split("/", 1)
        mac = mac_bytes(own)
    kind, rest = text.split(":", 1)
    if kind == "probe":
        return arp(mac, 1, "0.0.0.0", rest)
    if kind == "announce":
        return arp(mac, 1, rest, rest)
    if kind == "reply":
        return arp(mac, 2, rest, rest, BROADCAST)
    if kind == "ask":
        target, sender = rest.split(":")
        return arp(mac, 1, sender, target)
    if kind == "dad":
        return solicitation(mac, "::", rest)
    if kind == "ask6":
        target, sender = rest.split(",")
        return solicitation(mac, sender, target)
    raise SystemExit("ask.py: no question of the kind " + kind)


def subject(text):
    rest = text.split("/", 1)[-1].split(":", 1)[1]
    if text.split("/", 1)[-1].startswith(("dad:", "ask6:")):
        return str(ipaddress.ip_address(rest.split(",")[0]))
    return rest.split(":")[0]


def answer(frame):
    """(address, MAC) that the frame tells, or None"""
    kind = frame[12:14]
    if kind == b"\x08\x06" and frame[20:22] == b"\x00\x02":
        return socket.inet_ntop(socket.AF_INET, frame[28:32]), frame[22:28]
    if kind == b"\x86\xdd" and frame[20] == 58 and frame[54] == 136:
        mac = frame[80:86] if frame[78:80] == b"\x02\x01" else frame[6:12]
        return socket.inet_ntop(socket.AF_INET6, frame[62:78]), mac
    return None


def main():
    ifname, texts = sys.argv[1], [t for t in sys.argv[2:] if t != "--"]
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    sock.bind((ifname, 3))
    own = sock.getsockname()[4]
    for text in texts:
        sock.send(question(text, own))
    fence, deadline = subject(texts[-1]), time.monotonic() + 3
    while time.monotonic() < deadline:
        sock.settimeout(max(0.01, deadline - time.monotonic()))
        try:
            frame, address = sock.recvfrom(2048)
        except socket.timeout:
            break
        if address[2] == socket.PACKET_OUTGOING:
            continue
        found = answer(frame)
        if found:
            print(found[0], "is-at", mac_text(found[1]), flush=True)
            if found[0] == fence:
                return 0
    print("nobody answers for the fence", fence)
    return 1


sys.exit(main())
