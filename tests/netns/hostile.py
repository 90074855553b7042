#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hostile.py - what a guest, or the network, can do without end

	hostile.py flood MAC NUMBER KIND RATE SECONDS
		frames from MAC: "mix" of all that a host might learn from, also from the
		guest's own prefixes 10.NUMBER.0.0/16 and 2001:db8:NUMBER::/64, or
		"garbage" that is evidence of nothing. Prints how many went out a second
	hostile.py claim MAC
		is the gateway, to everybody who asks and to everybody who does not, until
		it is killed
	hostile.py scan SOURCE MAC COUNT
		a packet to each of COUNT addresses of the pool, by way of the host's MAC
	hostile.py greet FIRST COUNT
		a packet to each of COUNT addresses from FIRST on, by the host itself

All but greet send by eth0.
"""
import ipaddress
import random
import socket
import sys
import time

from frames import *


def opened(protocol=0):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sock.bind(("eth0", protocol))
    return sock


def garbage(me, rand):
    """From its own MAC, but of no address that it has"""
    sender = f"172.{rand.randrange(16, 32)}.{rand.randrange(256)}.7"
    return rand.choice([arp(1, sender, GATEWAY4, src=me, sha=me), udp4(sender, src=me),
                        ether(0x1234, rand.randbytes(50), src=me)])


def mixed(me, number, rand):
    near = f"10.{number}.{rand.randrange(256)}.{rand.randrange(256)}"
    near6 = f"2001:db8:{number:x}::{rand.getrandbits(16):x}"
    local = f"fe80::{rand.getrandbits(16):x}"
    makers = [lambda: garbage(me, rand),
              lambda: arp(1, near, GATEWAY4, src=me, sha=me),
              lambda: solicit(GATEWAY6, src=near6, options=option(1, me), src_mac=me),
              lambda: solicit(GATEWAY6, src=local, options=option(1, me), src_mac=me),
              lambda: advertise(local, src=local, options=option(2, me), src_mac=me),
              lambda: rarp(me),
              lambda: ether(rand.getrandbits(16), rand.randbytes(60), src=me)]
    return rand.choice(makers)()


def flood(me, number, kind, rate, seconds):
    sock, rand = opened(), random.Random(int(number))
    make = (lambda: garbage(me, rand)) if kind == "garbage" else (
        lambda: mixed(me, int(number), rand))
    frames = [make().ljust(60, b"\0") for _ in range(4096)]
    start, sent = time.monotonic(), 0
    while time.monotonic() - start < float(seconds):
        try:
            sock.send(frames[sent % len(frames)])
            sent += 1
        except OSError:
            pass  # the queue is full: the host is behind, which is the point
        ahead = sent / float(rate) - (time.monotonic() - start)
        if ahead > 0.002:  # often few, rather than at times many
            time.sleep(ahead)
    print(int(sent / (time.monotonic() - start)))


def claim(me):
    sock = opened(3)  # all protocols
    sock.settimeout(0.01)
    lies = [arp(op, GATEWAY4, GATEWAY4, src=me, sha=me) for op in (1, 2)]
    for flags in 0x20000000, 0xA0000000:
        for src in GATEWAY6, LOCAL6:
            lies.append(advertise(GATEWAY6, src=src, options=option(2, me), flags=flags,
                                  src_mac=me))
    lies.append(solicit(GATEWAY6, src="::", src_mac=me))
    lies.append(router_advertisement(GATEWAY6, src_mac=me))
    # who answers with the gateway's own MAC tells a bridge where it is
    lies += [lie[:6] + mac(ROUTER) + lie[12:] for lie in lies]
    print("ready", flush=True)
    while True:
        for lie in lies:
            sock.send(lie.ljust(60, b"\0"))
        try:
            asked = sock.recv(2048)
        except TimeoutError:
            continue
        if asked[12:14] == b"\x08\x06" and asked[20:22] == b"\0\1":
            wanted = str(ipaddress.IPv4Address(asked[38:42]))
            sock.send(arp(2, wanted, "0.0.0.0", src=me, sha=me).ljust(60, b"\0"))
        elif asked[12:14] == b"\x86\xdd" and asked[20] == 58 and asked[54] == 135:
            wanted = str(ipaddress.IPv6Address(asked[62:78]))
            sock.send(advertise(wanted, src=wanted, options=option(2, me), src_mac=me))


def scan(source, host, count):
    sock, six = opened(), ":" in source
    packet = packet6(source, "2001:db8:ff::", 59, b"", 64) if six else packet4(
        source, "10.0.0.0", 17, bytes(8))
    frame = bytearray(ether(0x86DD if six else 0x0800, packet, OTHER, host))
    for i in range(16 << 16, (16 << 16) + int(count)):
        if six:
            frame[50:54] = i.to_bytes(4, "big")
        else:
            frame[31:34] = i.to_bytes(3, "big")
            frame[24:26] = bytes(2)
            frame[24:26] = struct.pack("!H", checksum(frame[14:34]))
        sock.send(frame)


def greet(first, count):
    first = ipaddress.ip_address(first)
    sock = socket.socket(socket.AF_INET6 if first.version == 6 else socket.AF_INET,
                         socket.SOCK_DGRAM)
    for i in range(int(count)):
        sock.sendto(b"", (str(first + i), 9))


commands = {"flood": flood, "claim": claim, "scan": scan, "greet": greet}
commands[sys.argv[1]](*sys.argv[2:])
