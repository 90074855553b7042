#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""guard.py - sends what a guest may and may not send, and sees what came through

	guard.py NETNS MODE spoofs|flows
	guard.py NETNS MODE random COUNT [SEED]
	guard.py NETNS MODE flood COUNT

Runs in the guest's namespace, with eth0 towards the host, whose namespace is the
file NETNS and whose port is of MODE, routed or bridge. There, tables called "watch" in
nft's families inet, arp and bridge count what is left behind the guard: "fence" is
what went to UDP port 9, "passed" everything else. After each frame goes a fence; when
that is counted, the frame has been decided upon.

Prints "passed KIND NAME" or "dropped KIND NAME" for each. Random frames are judged by
guard_model.py, too: of those that the guard judges otherwise a line each is printed,
and at the end how many there were of which judgement.
"""
import collections
import ctypes
import os
import random
import socket
import struct
import sys
import time

from frames import *
import guard_model


# --- what is not its own ----------------------------------------------------------


def spoofs_arp():
    out = {}
    for word, address in {"a sibling": SIBLING4, "the gateway": GATEWAY4, "the host":
                          HOST4, "afar": FAR4, "a loopback": "127.0.0.1", "a group":
                          "224.0.0.1", "everybody": "255.255.255.255",
                          "beside its prefix": "10.5.1.7"}.items():
        out[f"request from {word}"] = arp(1, address, FAR4)
        out[f"reply for {word}"] = arp(2, address, OWN4, dst=ROUTER)
        out[f"announcement of {word}"] = arp(1, address, address)
        out[f"announcement of {word} by a reply"] = arp(2, address, address)
        out[f"probe for {word}"] = arp(1, "0.0.0.0", address)
    out["reply that nobody has"] = arp(2, "0.0.0.0", OWN4)
    for word, address in {"a sibling's": OTHER, "the gateway's": ROUTER, "no":
                          "00:00:00:00:00:00", "a group's": "01:00:5e:00:00:01",
                          "everybody's": "ff:ff:ff:ff:ff:ff"}.items():
        out[f"request that says {word} MAC"] = arp(1, OWN4, FAR4, sha=address)
        out[f"reply that says {word} MAC"] = arp(2, OWN4, FAR4, sha=address)
        out[f"probe with {word} MAC"] = arp(1, "0.0.0.0", OWN4, sha=address)
    for op in 0, 3, 4, 8, 9, 10, 25, 256, 512, 65535:
        out[f"of operation {op}"] = arp(op, OWN4, FAR4)
    out["for IEEE 802"] = arp(1, OWN4, FAR4, htype=6)
    out["for IPv6"] = arp(1, OWN4, FAR4, ptype=0x86DD)
    out["for no protocol"] = arp(1, OWN4, FAR4, ptype=0)
    for size in 0, 5, 7, 8, 255:
        out[f"with MACs of {size} bytes"] = arp(1, OWN4, FAR4, hlen=size)
        out[f"with addresses of {size} bytes"] = arp(1, OWN4, FAR4, plen=size)
    out["cut short"] = arp(1, OWN4, FAR4)[:14 + 8]
    return out


def spoofs_ip4():
    out = {}
    for word, address in {"a sibling": SIBLING4, "the gateway": GATEWAY4, "the host":
                          HOST4, "afar": FAR4, "nowhere": "0.0.0.0", "a loopback":
                          "127.0.0.1", "everybody": "255.255.255.255", "a group":
                          "224.0.0.1", "the future": "240.0.0.1", "a link-local address":
                          "169.254.7.7", "beside its prefix": "10.5.1.7", "beside its "
                          "address": "10.0.0.4"}.items():
        out[f"from {word}"] = udp4(address)
    out["redirect"] = redirect4()
    out["router advertisement"] = ether(0x0800, packet4(
        OWN4, "224.0.0.1", 1, bytes.fromhex("09 00 e6fb 01 02 0708") + ip4(OWN4) +
        bytes(4)))
    out["DHCP server"] = udp4(OWN4, "255.255.255.255", 67, 68, dst="ff:ff:ff:ff:ff:ff")
    out["DHCP server to one guest"] = udp4(OWN4, SIBLING4, 67, 68)
    out["DHCP without an address, to one host"] = udp4("0.0.0.0", HOST4, 68, 67)
    out["DHCP from another port"] = udp4("0.0.0.0", "255.255.255.255", 69, 67,
                                         dst="ff:ff:ff:ff:ff:ff")
    return out


def spoofs_ip6(bridged):
    out = {}
    for word, address in {"a sibling": SIBLING6, "the gateway": GATEWAY6, "the host":
                          HOST6, "afar": FAR6, "nowhere": "::", "a loopback": "::1",
                          "a group": ALL6, "another link-local address": "fe80::99",
                          "a sibling's link-local address": SIBLING_LOCAL6,
                          "beside its prefix": "2001:db8:5:1::7", "beside its address":
                          "2001:db8::4", "a private address": "fd00::5", "a sibling's "
                          "IPv4 address": "::ffff:10.0.0.2", "its own IPv4 address":
                          "::ffff:10.0.0.5"}.items():
        out[f"from {word}"] = udp6(address)
    for names in ["hop-by-hop"], ["destination"], ["fragment"], ["routing"]:
        out["ping from a sibling behind " + ", ".join(names)] = icmp6(
            SIBLING6, FAR6, 128, bytes(12), wrap=behind(*names))
    if not bridged:  # there it is the bridge that refuses it
        out["to a link-local address"] = udp6(OWN6, "fe80::99")
        out["solicitation sent to a link-local address"] = icmp6(
            OWN6, "fe80::99", 135, bytes(4) + ip6("fe80::99"))
    out["DHCP server"] = udp6(LOCAL6, "fe80::9", 547, 546)
    out["DHCP server to everybody"] = udp6(LOCAL6, ALL6, 547, 546,
                                           dst="33:33:00:00:00:01")
    out["DHCP server with its address"] = udp6(OWN6, SIBLING6, 547, 546)
    return out


# RFC 6980, RFC 7113: each of the messages that routers and neighbours believe
CHAINS = [["hop-by-hop"], ["destination"], ["routing"], ["fragment"], ["first fragment"],
          ["destination"] * 2, ["destination"] * 8, ["hop-by-hop", "destination"],
          ["hop-by-hop", "routing"], ["hop-by-hop", "fragment"],
          ["hop-by-hop", "first fragment"], ["destination", "fragment"],
          ["fragment", "destination"], ["first fragment", "destination"],
          ["routing", "destination"], ["destination", "routing", "fragment"],
          ["fragment"] * 2, ["fragment", "routing"], ["first fragment", "routing"],
          ["hop-by-hop", "destination", "routing", "fragment", "destination"]]


def spoofs_nd():
    out = {}
    for word, address in {"a sibling": SIBLING6, "the gateway": GATEWAY6, "the host":
                          HOST6, "a sibling's link-local address": SIBLING_LOCAL6}.items():
        out[f"DAD for {word}"] = solicit(address, src="::")
        out[f"solicitation from {word}"] = solicit(GATEWAY6, src=address)
        out[f"advertisement for {word}"] = advertise(address)
        out[f"advertisement for {word} with its own MAC"] = advertise(
            address, options=option(2, MAC))
        out[f"advertisement for {word} as a router"] = advertise(
            address, options=option(2, MAC), flags=0xA0000000)
        out[f"advertisement from {word}"] = advertise(OWN6, src=address)
    options = {"a sibling's MAC": lambda kind: option(kind, OTHER),
               "the gateway's MAC": lambda kind: option(kind, ROUTER),
               "two MACs": lambda kind: option(kind, MAC) + option(kind, OTHER),
               "a MAC behind another option": lambda kind: NONCE + option(kind, OTHER),
               "an option of no length": lambda kind: bytes([kind, 0]) + mac(MAC),
               "an option longer than it": lambda kind: bytes([kind, 2]) + mac(MAC),
               "half an option": lambda kind: bytes([kind, 1, 0, 0])}
    for word, make in options.items():
        out[f"solicitation with {word}"] = solicit(GATEWAY6, options=make(1))
        out[f"advertisement with {word}"] = advertise(OWN6, options=make(2))
        out[f"router solicitation with {word}"] = icmp6(LOCAL6, "ff02::2", 133,
                                                        bytes(4) + make(1))
    out["DAD with a MAC"] = solicit(OWN6, src="::", options=option(1, MAC))
    out["DAD to one host"] = icmp6("::", HOST6, 135, bytes(4) + ip6(OWN6))
    out["router solicitation from nowhere with a MAC"] = icmp6(
        "::", "ff02::2", 133, bytes(4) + option(1, MAC))
    out["solicitation of a group"] = solicit(ALL6)
    out["advertisement of a group"] = advertise(ALL6)
    out["advertisement to everybody as an answer"] = advertise(OWN6, flags=0x60000000)
    for word, rest in {"that was routed": {"hops": 254}, "of code 1": {"code": 1}}.items():
        out[f"solicitation {word}"] = solicit(GATEWAY6, **rest)
        out[f"advertisement {word}"] = advertise(OWN6, **rest)
        out[f"router solicitation {word}"] = icmp6(LOCAL6, "ff02::2", 133, bytes(4),
                                                   **rest)
        out[f"router advertisement {word}"] = router_advertisement(**rest)
    out["router advertisement"] = router_advertisement()
    out["router advertisement of the gateway"] = router_advertisement(GATEWAY6)
    out["router advertisement of its address"] = router_advertisement(OWN6)
    out["redirect"] = redirect6()
    out["redirect of the gateway"] = redirect6(GATEWAY6)
    for names in CHAINS:
        rest = {"wrap": behind(*names)}
        out["solicitation behind " + ", ".join(names)] = solicit(GATEWAY6, **rest)
        out["advertisement behind " + ", ".join(names)] = advertise(OWN6, **rest)
        out["router advertisement behind " + ", ".join(names)] = router_advertisement(
            **rest)
        out["redirect behind " + ", ".join(names)] = redirect6(**rest)
    # RFC 7112: what it is would only be known from the second fragment
    tail = behind("first fragment", "destination")(b"")
    out["first fragment that ends before the message"] = ether(
        0x86DD, packet6(OWN6, SIBLING6, *tail))
    longer = bytearray(tail[1])
    longer[9] = 1  # eight bytes more, which are not there
    out["first fragment that ends within its headers"] = ether(
        0x86DD, packet6(OWN6, SIBLING6, tail[0], bytes(longer)))
    return out


def spoofs_layer2(bridged):
    out = {}
    bad = {"another": "52:54:00:00:00:99", "a sibling's": OTHER, "the gateway's": ROUTER,
           "no": "00:00:00:00:00:00", "a group's": "33:33:00:00:00:01",
           "everybody's": "ff:ff:ff:ff:ff:ff"}
    for word, address in bad.items():
        out[f"IPv4 from {word} MAC"] = udp4(OWN4, src=address)
        out[f"IPv6 from {word} MAC"] = udp6(OWN6, src=address)
        out[f"ARP from {word} MAC"] = arp(1, OWN4, GATEWAY4, src=address, sha=address)
        out[f"solicitation from {word} MAC"] = solicit(
            GATEWAY6, options=option(1, address), src_mac=address)
    for word, address in {"bridges": "01:80:c2:00:00:00", "LLDP": "01:80:c2:00:00:0e",
                          "pauses": "01:80:c2:00:00:01"}.items():
        out[f"ARP for a sibling to the group of {word}"] = arp(1, SIBLING4, FAR4,
                                                              dst=address)
        out[f"IPv6 from a sibling to the group of {word}"] = udp6(SIBLING6, dst=address)
    forged = {"IPv4 from a sibling": udp4(SIBLING4), "IPv6 from a sibling":
              udp6(SIBLING6), "ARP for a sibling": arp(2, SIBLING4, OWN4),
              "solicitation from a sibling": solicit(GATEWAY6, src=SIBLING6),
              "advertisement for a sibling": advertise(SIBLING6),
              "router advertisement": router_advertisement()}
    stacks = {"VLAN 0": [(0x8100, 0)], "VLAN 0 twice": [(0x8100, 0)] * 2,
              "VLAN 0 thrice": [(0x8100, 0)] * 3, "service VLAN 0": [(0x88A8, 0)],
              "VLAN 0 in service VLAN 0": [(0x8100, 0), (0x88A8, 0)],
              "VLAN 5": [(0x8100, 5)], "VLAN 5 in VLAN 0": [(0x8100, 5), (0x8100, 0)],
              "VLAN 5 in service VLAN 6": [(0x8100, 5), (0x88A8, 6)]}
    for word, frame in forged.items():
        for stack, tags in stacks.items():
            out[f"{word} in {stack}"] = tagged(frame, *tags)
        out[f"{word} in SNAP"] = llc(SNAP, frame)
        out[f"{word} in SNAP in VLAN 0"] = tagged(llc(SNAP, frame), (0x8100, 0))
        out[f"{word} in VLAN 0 in SNAP"] = llc(SNAP, tagged(frame, (0x8100, 0)))
    out["IPv4 of its own in VLAN 5"] = tagged(udp4(OWN4), (0x8100, 5))
    out["IPv4 of its own in SNAP"] = llc(SNAP, udp4(OWN4))
    out["ARP of its own in SNAP"] = llc(SNAP, arp(1, OWN4, GATEWAY4))
    if bridged:  # elsewhere the kernel takes this tag off, and the packet is its own
        out["IPv4 of its own in VLAN 0"] = tagged(udp4(OWN4), (0x8100, 0))
    out["spanning tree"] = llc("424203", udp4(OWN4, dst="01:80:c2:00:00:00"))
    out["Cisco discovery"] = llc("aaaa0300000c2000", udp4(OWN4, dst="01:00:0c:cc:cc:cc"))
    out["IPX without LLC"] = llc("ffff", udp4(OWN4))
    out["RARP for a sibling"] = rarp(OTHER)
    out["RARP in VLAN 0"] = tagged(rarp(), (0x8100, 0))
    types = {"LLDP": (0x88CC, "01:80:c2:00:00:0e"), "EAPOL": (0x888E, "01:80:c2:00:00:03"),
             "EAPOL to one host": (0x888E, ROUTER), "a pause": (0x8808, "01:80:c2:00:00:01"),
             "LACP": (0x8809, "01:80:c2:00:00:02"), "CFM": (0x8902, "01:80:c2:00:00:30"),
             "PPPoE discovery": (0x8863, "ff:ff:ff:ff:ff:ff"), "PPPoE": (0x8864, ROUTER),
             "MPLS": (0x8847, ROUTER), "MPLS to a group": (0x8848, "01:00:5e:80:00:00"),
             "loopback": (0x9000, ROUTER), "PTP": (0x88F7, "01:1b:19:00:00:00"),
             "a type of its own": (0x1234, ROUTER), "type 0": (0, ROUTER),
             "type 0xffff": (0xFFFF, ROUTER)}
    for word, (kind, to) in types.items():
        out[word] = ether(kind, bytes(50), dst=to)
    return out


def spoofs(bridged):
    """kind -> name -> frame"""
    return {"ARP": spoofs_arp(), "IPv4": spoofs_ip4(), "IPv6": spoofs_ip6(bridged),
            "ND": spoofs_nd(), "layer2": spoofs_layer2(bridged)}


# --- what every guest needs --------------------------------------------------------


def flows(bridged):
    out = {"ARP": {
        "request for the gateway": arp(1, OWN4, GATEWAY4),
        "announcement": arp(1, OWN4, OWN4),
        "announcement by a reply": arp(2, OWN4, OWN4),
        "reply": arp(2, OWN4, GATEWAY4, dst=ROUTER),
        "probe for its own address": arp(1, "0.0.0.0", OWN4),
        "request from its prefix": arp(1, BEHIND4, GATEWAY4),
    }, "IPv4": {
        "from its address": udp4(OWN4),
        "from its second address": udp4(SECOND4),
        "from its prefix": udp4(BEHIND4),
        "to a group": udp4(OWN4, "239.1.2.3", dst="01:00:5e:01:02:03"),
        "ping": ether(0x0800, packet4(OWN4, FAR4, 1, bytes.fromhex("0800f7ff00000000"))),
        "later fragment of a ping, with data like a redirect": later4(1, redirect4()[34:]),
        "later fragment of UDP, with data like DHCP": later4(17, datagram(67, 68)),
        "DHCP client": udp4("0.0.0.0", "255.255.255.255", 68, 67,
                            dst="ff:ff:ff:ff:ff:ff"),
        "DHCP client that renews": udp4(OWN4, HOST4, 68, 67),
    }, "IPv6": {
        "from its address": udp6(OWN6),
        "from its prefix": udp6(BEHIND6),
        "from its link-local address": udp6(LOCAL6, GATEWAY6),
        "ping": icmp6(OWN6, FAR6, 128, bytes(12), hops=64),
        "ping with options": icmp6(OWN6, FAR6, 128, bytes(12),
                                   wrap=behind("destination")),
        "first fragment of a ping": icmp6(OWN6, FAR6, 128, bytes(20),
                                          wrap=behind("first fragment")),
        "another fragment of it": icmp6(OWN6, FAR6, 0, bytes(20),
                                        wrap=behind("later fragment")),
        "another, with data like an advertisement": icmp6(
            OWN6, FAR6, 134, bytes(20), wrap=behind("later fragment")),
        "another, from its prefix": icmp6(BEHIND6, FAR6, 135, bytes(20),
                                          wrap=behind("later fragment")),
        "DHCP client": udp6(LOCAL6, "ff02::1:2", 546, 547, dst="33:33:00:01:00:02"),
        "listener report": report(LOCAL6),
        "listener report from nowhere": report("::"),
    }, "ND": {
        "solicitation": solicit(GATEWAY6, options=option(1, MAC)),
        "solicitation from its link-local address": solicit(GATEWAY6, src=LOCAL6,
                                                            options=option(1, MAC)),
        "solicitation from its prefix": solicit(GATEWAY6, src=BEHIND6,
                                                options=option(1, MAC)),
        "solicitation without a MAC": solicit(GATEWAY6),
        "DAD": solicit(OWN6, src="::"),
        "DAD with a nonce": solicit(LOCAL6, src="::", options=NONCE),
        "advertisement": advertise(OWN6, options=option(2, MAC)),
        "answer": advertise(OWN6, src=LOCAL6, to=GATEWAY6, options=option(2, MAC),
                            flags=0x60000000),
        "answer without a MAC": advertise(OWN6, to=GATEWAY6, flags=0x40000000),
        "router solicitation": icmp6(LOCAL6, "ff02::2", 133, bytes(4) + option(1, MAC)),
        "router solicitation from nowhere": icmp6("::", "ff02::2", 133, bytes(4)),
    }}
    if bridged:
        out["layer2"] = {"RARP": rarp()}
    return out


# --- frames that nobody thought of -------------------------------------------------

NAMES = [[mac(name) for name in (MAC, OTHER, ROUTER, "ff:ff:ff:ff:ff:ff")],
         [ip4(name) for name in (OWN4, SECOND4, BEHIND4, SIBLING4, GATEWAY4, HOST4, FAR4,
                                 "0.0.0.0", "255.255.255.255", "10.5.1.7")],
         [ip6(name) for name in (OWN6, BEHIND6, LOCAL6, SIBLING6, SIBLING_LOCAL6, GATEWAY6,
                                 HOST6, FAR6, ALL6, "::", "2001:db8:5:1::7", "fe80::99")]]


def rename(frame, rand):
    """Somebody in it becomes somebody else"""
    names = rand.choice(NAMES)
    old = [name for name in names if name in frame[:12] + frame[14:]]
    return frame.replace(rand.choice(old), rand.choice(names), 1) if old else frame


def turn(frame, rand):
    """One byte, often to a value that means something"""
    at = rand.randrange(len(frame))
    value = rand.choice([0, 1, 2, 3, 6, 17, 44, 58, 60, 133, 134, 135, 136, 137, 254, 255,
                         rand.randrange(256)])
    return frame[:at] + bytes([value]) + frame[at + 1:]


def graft(frame, other, rand):
    """The end of another frame"""
    at = rand.randrange(12, min(len(frame), len(other)))
    return frame[:at] + other[at:]


def mend(frame):
    """An IPv4 header with a wrong sum never meets the guard"""
    if frame[12:14] != b"\x08\x00" or len(frame) < 34:
        return frame
    header = frame[14:24] + bytes(2) + frame[26:34]
    return frame[:24] + struct.pack("!H", checksum(header)) + frame[26:]


def randoms(bridged, count, seed):
    rand = random.Random(seed)
    legitimate, known = ([frame for kind in what(bridged).values()
                          for frame in kind.values()] for what in (flows, spoofs))
    for _ in range(count):
        frame = rand.choice(rand.choice([legitimate, known]))
        for _ in range(rand.randrange(1, 4)):
            change = rand.randrange(8)
            if change < 4:
                frame = rename(frame, rand)
            elif change < 7:
                frame = turn(frame, rand)
            else:
                frame = graft(frame, rand.choice(known), rand)
        yield mend(frame).ljust(60, b"\0")


# --- sending and watching --------------------------------------------------------

# linux/netlink.h, linux/netfilter/nf_tables.h
NETLINK_NETFILTER = 12
GETOBJ, OBJ_TABLE, OBJ_NAME, OBJ_TYPE, OBJ_DATA = 10 << 8 | 19, 1, 2, 3, 4
COUNTER, COUNTER_PACKETS = 1, 2


def attribute(kind, data):
    return struct.pack("HH", 4 + len(data), kind) + data.ljust(-len(data) % 4 + len(data),
                                                              b"\0")


def attributes(data):
    out = {}
    while data:
        size, kind = struct.unpack_from("HH", data)
        out[kind & 0x3FFF] = data[4:size]
        data = data[(size + 3) & ~3:]
    return out


class Watcher:
    FAMILIES = {"inet": 1, "arp": 3, "bridge": 7}

    def __init__(self, netns, bridged):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.bind(("eth0", 0))
        # what is sent by one processor is handled in its order
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        self.fence = "bridge" if bridged else "inet"
        fd = os.open(netns, os.O_RDONLY)
        if ctypes.CDLL(None, use_errno=True).setns(fd, 0):
            raise OSError(ctypes.get_errno(), netns)
        self.netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                                     NETLINK_NETFILTER)

    def count(self, family, name):
        body = (struct.pack("BBH", self.FAMILIES[family], 0, 0) +
                attribute(OBJ_TABLE, b"watch\0") + attribute(OBJ_NAME, name + b"\0") +
                attribute(OBJ_TYPE, struct.pack("!I", COUNTER)))
        self.netlink.send(struct.pack("IHHII", 16 + len(body), GETOBJ, 1, 0, 0) + body)
        answer = attributes(self.netlink.recv(4096)[20:])
        return int.from_bytes(attributes(answer[OBJ_DATA])[COUNTER_PACKETS], "big")

    def passed(self):
        return sum(self.count(family, b"passed") for family in self.FAMILIES)

    def passes(self, frame):
        passed, fence = self.passed(), self.count(self.fence, b"fence")
        self.socket.send(frame.ljust(60, b"\0"))
        self.socket.send(udp4(OWN4, dport=9))
        deadline = time.monotonic() + 3
        while self.count(self.fence, b"fence") == fence:
            if time.monotonic() > deadline:
                raise TimeoutError("the fence did not come through")
        return self.passed() > passed


def judge(watcher, bridged, count, seed):
    tally = collections.Counter()
    for frame in randoms(bridged, count, seed):
        passed = "passed" if watcher.passes(frame) else "dropped"
        verdict = guard_model.verdict(frame, bridged)
        tally[f"{verdict}, {passed}"] += 1
        if (verdict, passed) in (("may not", "passed"), ("may", "dropped")):
            print(passed, "though it", verdict + ":", frame.hex())
    for what, number in sorted(tally.items()):
        print(f"# {number} {what}")


def flood(send, count):
    """Garbage, and what would fill the host's tables if it were believed"""
    rand = random.Random(76)
    templates = [frame for kind in spoofs(False).values() for frame in kind.values()]
    for i in range(count):
        kind = i % 3
        if kind == 0:
            sender = f"172.{rand.randrange(16, 32)}.{rand.randrange(250)}.7"
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
    netns, mode, what, *rest = sys.argv[1:]
    bridged = mode == "bridge"
    watcher = Watcher(netns, bridged)
    if what == "flood":
        flood(watcher.socket.send, int(rest[0]))
    elif what == "random":
        judge(watcher, bridged, int(rest[0]), int(rest[1]) if rest[1:] else 76)
    else:
        frames = (spoofs if what == "spoofs" else flows)(bridged)
        for kind, items in frames.items():
            for name, frame in items.items():
                print("passed" if watcher.passes(frame) else "dropped", kind, name)


main()
