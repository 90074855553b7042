#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""guard.py - sends what a guest may and may not send, and sees what came through

	guard.py NETNS FAMILIES spoofs|flows
	guard.py NETNS FAMILIES flood COUNT

Runs in the guest's namespace, with eth0 towards the host, whose namespace is the
file NETNS. There, tables called "watch" in nft's FAMILIES count what is left behind
the guard: "fence" is what went to UDP port 9, "passed" everything else. After each
frame goes a fence; when that is counted, the frame has been decided upon.

Prints "passed NAME" or "dropped NAME" for each. The guest has the MAC, addresses and
prefixes below; SIBLING is somebody else, GATEWAY and HOST the host.
"""
import ctypes
import ipaddress
import json
import os
import random
import socket
import struct
import subprocess
import sys
import time

MAC, OTHER = "52:54:00:00:00:01", "52:54:00:00:00:02"
ROUTER = "02:6c:33:76:6d:01"
OWN4, SECOND4, BEHIND4 = "10.0.0.5", "10.0.9.9", "10.5.0.7"
OWN6, BEHIND6, LOCAL6 = "2001:db8::5", "2001:db8:5::7", "fe80::5054:ff:fe00:1"
SIBLING4, SIBLING6, SIBLING_LOCAL6 = "10.0.0.2", "2001:db8::2", "fe80::5054:ff:fe00:2"
GATEWAY4, GATEWAY6 = "169.254.0.1", "fe80::1"
HOST4, HOST6 = "192.0.2.1", "2001:db8:c::1"
FAR4, FAR6 = "198.51.100.1", "2001:db8:99::1"
ALL6 = "ff02::1"


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def ip4(text):
    return ipaddress.IPv4Address(text).packed


def ip6(text):
    return ipaddress.IPv6Address(text).packed


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ether(kind, payload, src=MAC, dst=ROUTER):
    return mac(dst) + mac(src) + struct.pack("!H", kind) + payload


# --- IPv4 ------------------------------------------------------------------------


def packet4(src, dst, protocol, payload):
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol,
                         0) + ip4(src) + ip4(dst)
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def datagram(sport, dport):
    return struct.pack("!HHHH", sport, dport, 8, 0)


def udp4(sender, target=FAR4, sport=5000, dport=5001, **frame):
    return ether(0x0800, packet4(sender, target, 17, datagram(sport, dport)), **frame)


def redirect4():
    message = struct.pack("!BBH", 5, 1, 0) + ip4(GATEWAY4) + packet4(FAR4, OWN4, 17,
                                                                    bytes(8))
    message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
    return ether(0x0800, packet4(OWN4, HOST4, 1, message))


# --- IPv6 ------------------------------------------------------------------------


def packet6(src, dst, header, payload, hops=255):
    return struct.pack("!IHBB", 0x60000000, len(payload), header,
                       hops) + ip6(src) + ip6(dst) + payload


def summed6(src, dst, protocol, message, at):
    pseudo = ip6(src) + ip6(dst) + struct.pack("!II", len(message), protocol)
    total = struct.pack("!H", checksum(pseudo + message))
    return message[:at] + total + message[at + 2:]


def udp6(sender, target=FAR6, sport=5000, dport=5001, **frame):
    message = summed6(sender, target, 17, datagram(sport, dport), 6)
    return ether(0x86DD, packet6(sender, target, 17, message, 64), **frame)


def icmp6(src, dst, kind, body, code=0, hops=255, wrap=None, **frame):
    message = summed6(src, dst, 58, struct.pack("!BBH", kind, code, 0) + body, 2)
    if "dst" not in frame and dst.startswith("ff"):
        frame["dst"] = "33:33:" + ip6(dst)[-4:].hex(":")
    header, payload = wrap(message) if wrap else (58, message)
    return ether(0x86DD, packet6(src, dst, header, payload, hops), **frame)


def option(kind, address):
    return struct.pack("!BB", kind, 1) + mac(address)


NONCE = struct.pack("!BB", 14, 1) + b"nonce!"


def solicit(target, src=OWN6, options=b"", **rest):
    group = "ff02::1:ff" + ip6(target)[-3:].hex()[:2] + ":" + ip6(target)[-2:].hex()
    return icmp6(src, group, 135, bytes(4) + ip6(target) + options, **rest)


def advertise(target, src=OWN6, options=b"", flags=0x20000000, **rest):
    return icmp6(src, ALL6, 136, struct.pack("!I", flags) + ip6(target) + options,
                 **rest)


def router_advertisement(src=LOCAL6, **rest):
    return icmp6(src, ALL6, 134, struct.pack("!BBHII", 64, 0, 1800, 0, 0), **rest)


def redirect6(src=LOCAL6):
    return icmp6(src, GATEWAY6, 137, bytes(4) + ip6(LOCAL6) + ip6(FAR6))


def report(src):
    record = struct.pack("!BBH", 4, 0, 0) + ip6("ff02::1:ff00:5")
    hop = struct.pack("!BBHBBBB", 58, 0, 0x0502, 0, 0, 1, 0)

    def wrap(message):
        return 0, hop + message

    return icmp6(src, "ff02::16", 143, struct.pack("!HH", 0, 1) + record, hops=1,
                 wrap=wrap)


def hop_by_hop(message):
    return 0, struct.pack("!BBBBI", 58, 0, 1, 4, 0) + message


def destination(message):
    return 60, struct.pack("!BBBBI", 58, 0, 1, 4, 0) + message


def fragment(message):
    return 44, struct.pack("!BBHI", 58, 0, 0, 7) + message


# --- ARP and other frames ------------------------------------------------------------


def arp(op, sender, target, sha=MAC, dst="ff:ff:ff:ff:ff:ff", src=MAC, htype=1,
        ptype=0x0800, hlen=6, plen=4):
    return ether(0x0806, struct.pack("!HHBBH", htype, ptype, hlen, plen, op) +
                 mac(sha) + ip4(sender) + bytes(6) + ip4(target), src, dst)


def rarp(src=MAC):
    return ether(0x8035, struct.pack("!HHBBH", 1, 0x0800, 6, 4, 3) + mac(src) +
                 bytes(4) + mac(src) + bytes(4), src, "ff:ff:ff:ff:ff:ff")


def tagged(frame, *tags):
    for kind, vid in tags:
        frame = frame[:12] + struct.pack("!HH", kind, vid) + frame[12:]
    return frame


def snap(frame):
    body = bytes.fromhex("aaaa03000000") + frame[12:]
    return frame[:12] + struct.pack("!H", len(body)) + body


def spoofs(bridged):
    """name -> frame"""
    out = {}
    bad = {"another": "52:54:00:00:00:99", "a sibling's": OTHER, "the gateway's": ROUTER,
           "no": "00:00:00:00:00:00", "a group's": "33:33:00:00:00:01",
           "everybody's": "ff:ff:ff:ff:ff:ff"}
    for word, address in bad.items():
        out[f"IPv4 from {word} MAC"] = udp4(OWN4, src=address)
        out[f"IPv6 from {word} MAC"] = udp6(OWN6, src=address)
        out[f"ARP from {word} MAC"] = arp(1, OWN4, GATEWAY4, src=address, sha=address)
    for word, address in {"a sibling": SIBLING4, "the gateway": GATEWAY4, "the host":
                          HOST4, "afar": FAR4, "nowhere": "0.0.0.0", "a loopback":
                          "127.0.0.1", "everybody": "255.255.255.255", "a group":
                          "224.0.0.1", "beside its prefix": "10.5.1.7"}.items():
        out[f"IPv4 from {word}"] = udp4(address)
    for word, address in {"a sibling": SIBLING6, "the gateway": GATEWAY6, "the host":
                          HOST6, "afar": FAR6, "nowhere": "::", "a loopback": "::1",
                          "a group": ALL6, "another link-local address": "fe80::99",
                          "a sibling's link-local address": SIBLING_LOCAL6,
                          "beside its prefix": "2001:db8:5:1::7"}.items():
        out[f"IPv6 from {word}"] = udp6(address)
    if not bridged:  # there it is the bridge that refuses it
        out["IPv6 to a link-local address"] = udp6(OWN6, "fe80::99")
        out["solicitation sent to a link-local address"] = icmp6(
            OWN6, "fe80::99", 135, bytes(4) + ip6("fe80::99"))
    for word, address in {"a sibling": SIBLING4, "the gateway": GATEWAY4,
                          "the host": HOST4}.items():
        out[f"ARP request from {word}"] = arp(1, address, FAR4)
        out[f"ARP reply for {word}"] = arp(2, address, OWN4, dst=ROUTER)
        out[f"ARP announcement of {word}"] = arp(1, address, address)
        out[f"ARP probe for {word}"] = arp(1, "0.0.0.0", address)
    out["ARP reply that nobody has"] = arp(2, "0.0.0.0", OWN4)
    out["ARP that says a sibling's MAC"] = arp(2, OWN4, FAR4, sha=OTHER)
    out["ARP that says the gateway's MAC"] = arp(1, OWN4, FAR4, sha=ROUTER)
    out["ARP probe with a sibling's MAC"] = arp(1, "0.0.0.0", OWN4, sha=OTHER)
    out["ARP of operation 3"] = arp(3, OWN4, FAR4)
    out["ARP of operation 8"] = arp(8, OWN4, FAR4)
    out["ARP for IEEE 802"] = arp(1, OWN4, FAR4, htype=6)
    out["solicitation with a sibling's MAC"] = solicit(GATEWAY6, options=option(1, OTHER))
    out["solicitation with two MACs"] = solicit(
        GATEWAY6, options=option(1, MAC) + option(1, OTHER))
    out["solicitation with a MAC behind another option"] = solicit(
        GATEWAY6, options=NONCE + option(1, OTHER))
    out["solicitation from a sibling"] = solicit(GATEWAY6, src=SIBLING6)
    out["solicitation that was routed"] = solicit(GATEWAY6, hops=64)
    out["solicitation of code 1"] = solicit(GATEWAY6, code=1)
    out["solicitation behind an option header"] = solicit(GATEWAY6, wrap=destination)
    out["solicitation in a fragment"] = solicit(GATEWAY6, wrap=fragment)
    for word, address in {"a sibling": SIBLING6, "the gateway": GATEWAY6, "a sibling's "
                          "link-local address": SIBLING_LOCAL6}.items():
        out[f"DAD for {word}"] = solicit(address, src="::")
        out[f"advertisement for {word}"] = advertise(address)
        out[f"advertisement for {word} with its own MAC"] = advertise(
            address, options=option(2, MAC))
    out["DAD with a MAC"] = solicit(OWN6, src="::", options=option(1, MAC))
    out["advertisement with a sibling's MAC"] = advertise(OWN6, options=option(2, OTHER))
    out["advertisement with two MACs"] = advertise(
        OWN6, options=option(2, MAC) + option(2, OTHER))
    out["advertisement behind hop-by-hop options"] = advertise(OWN6, wrap=hop_by_hop)
    out["router solicitation with a sibling's MAC"] = icmp6(
        LOCAL6, "ff02::2", 133, bytes(4) + option(1, OTHER))
    out["router advertisement"] = router_advertisement()
    out["router advertisement of the gateway"] = router_advertisement(GATEWAY6)
    out["router advertisement behind hop-by-hop options"] = router_advertisement(
        wrap=hop_by_hop)
    out["router advertisement behind an option header"] = router_advertisement(
        wrap=destination)
    out["router advertisement in a fragment"] = router_advertisement(wrap=fragment)
    out["redirect"] = redirect6()
    out["redirect of the gateway"] = redirect6(GATEWAY6)
    out["IPv4 redirect"] = redirect4()
    out["DHCP server"] = udp4(OWN4, "255.255.255.255", 67, 68, dst="ff:ff:ff:ff:ff:ff")
    out["DHCP without an address, to one host"] = udp4("0.0.0.0", HOST4, 68, 67)
    out["DHCPv6 server"] = udp6(LOCAL6, "fe80::9", 547, 546)
    for word, tags in {"VLAN 0": [(0x8100, 0)], "VLAN 0 twice": [(0x8100, 0)] * 2,
                       "VLAN 0 thrice": [(0x8100, 0)] * 3}.items():
        out[f"IPv4 from a sibling in {word}"] = tagged(udp4(SIBLING4), *tags)
        out[f"IPv6 from a sibling in {word}"] = tagged(udp6(SIBLING6), *tags)
        out[f"ARP for a sibling in {word}"] = tagged(arp(2, SIBLING4, OWN4), *tags)
        out[f"router advertisement in {word}"] = tagged(router_advertisement(), *tags)
    out["IPv4 of its own in VLAN 5"] = tagged(udp4(OWN4), (0x8100, 5))
    out["IPv4 of its own in two VLANs"] = tagged(udp4(OWN4), (0x8100, 5), (0x88A8, 6))
    out["IPv4 of its own in SNAP"] = snap(udp4(OWN4))
    out["RARP for a sibling"] = rarp(OTHER)
    out["LLDP"] = ether(0x88CC, bytes(50), dst="01:80:c2:00:00:0e")
    out["a type of its own"] = ether(0x1234, bytes(50))
    out["MPLS"] = ether(0x8847, bytes(50))
    return out


def flows(bridged):
    """What every guest needs: name -> frame"""
    out = {
        "ARP request for the gateway": arp(1, OWN4, GATEWAY4),
        "ARP announcement": arp(1, OWN4, OWN4),
        "ARP reply": arp(2, OWN4, GATEWAY4, dst=ROUTER),
        "ARP probe for its own address": arp(1, "0.0.0.0", OWN4),
        "ARP request from its prefix": arp(1, BEHIND4, GATEWAY4),
        "IPv4": udp4(OWN4),
        "IPv4 from its second address": udp4(SECOND4),
        "IPv4 from its prefix": udp4(BEHIND4),
        "DHCP client": udp4("0.0.0.0", "255.255.255.255", 68, 67,
                            dst="ff:ff:ff:ff:ff:ff"),
        "IPv6": udp6(OWN6),
        "IPv6 from its prefix": udp6(BEHIND6),
        "IPv6 from its link-local address": udp6(LOCAL6, GATEWAY6),
        "DHCPv6 client": udp6(LOCAL6, "ff02::1:2", 546, 547, dst="33:33:00:01:00:02"),
        "solicitation": solicit(GATEWAY6, options=option(1, MAC)),
        "solicitation from its link-local address": solicit(GATEWAY6, src=LOCAL6,
                                                            options=option(1, MAC)),
        "solicitation without a MAC": solicit(GATEWAY6),
        "DAD": solicit(OWN6, src="::"),
        "DAD with a nonce": solicit(LOCAL6, src="::", options=NONCE),
        "advertisement": advertise(OWN6, options=option(2, MAC)),
        "advertisement without a MAC": advertise(OWN6, src=LOCAL6, flags=0x60000000),
        "router solicitation": icmp6(LOCAL6, "ff02::2", 133, bytes(4) + option(1, MAC)),
        "router solicitation from nowhere": icmp6("::", "ff02::2", 133, bytes(4)),
        "listener report": report(LOCAL6),
        "listener report from nowhere": report("::"),
        "ping": icmp6(OWN6, FAR6, 128, bytes(12), hops=64),
    }
    if bridged:
        out["RARP"] = rarp()
    return out


# --- sending and watching --------------------------------------------------------


class Watcher:
    def __init__(self, netns, families):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.bind(("eth0", 0))
        self.families = families.split(",")
        fd = os.open(netns, os.O_RDONLY)
        if ctypes.CDLL(None, use_errno=True).setns(fd, 0):
            raise OSError(ctypes.get_errno(), netns)

    def counts(self):
        text = subprocess.run(["nft", "-j", "list", "counters"], check=True,
                              capture_output=True).stdout
        total = {"fence": 0, "passed": 0}
        for item in json.loads(text)["nftables"]:
            counter = item.get("counter")
            if counter and counter["table"] == "watch":
                total[counter["name"]] += counter["packets"]
        return total

    def passes(self, frame):
        before = self.counts()
        self.socket.send(frame.ljust(60, b"\0"))
        self.socket.send(udp4(OWN4, dport=9))
        deadline = time.monotonic() + 3
        while True:
            after = self.counts()
            if after["fence"] > before["fence"]:
                return after["passed"] > before["passed"]
            if time.monotonic() > deadline:
                raise TimeoutError("the fence did not come through")


def flood(send, count):
    """Garbage, and what would fill the host's tables if it were believed"""
    rand = random.Random(76)
    templates = list(spoofs(False).values())
    for i in range(count):
        kind = i % 3
        if kind == 0:
            sender = f"10.{rand.randrange(1, 250)}.{rand.randrange(250)}.7"
            frame = arp(1, sender, GATEWAY4)
        elif kind == 1:
            sender = "fe80::" + format(rand.getrandbits(16), "x")
            frame = solicit(GATEWAY6, src=sender, options=option(1, MAC))
        else:
            frame = bytearray(rand.choice(templates))
            for _ in range(4):
                frame[rand.randrange(12, len(frame))] = rand.randrange(256)
        try:
            send(bytes(frame).ljust(60, b"\0"))
        except OSError:
            pass  # the queue is full: the host is behind, which is the point


def main():
    netns, families, what = sys.argv[1:4]
    watcher = Watcher(netns, families)
    if what == "flood":
        flood(watcher.socket.send, int(sys.argv[4]))
        return
    frames = (spoofs if what == "spoofs" else flows)("bridge" in families)
    for name, frame in frames.items():
        print("passed" if watcher.passes(frame) else "dropped", name)


main()
