# SPDX-License-Identifier: LGPL-2.1-or-later
"""frames.py - who is who in the tests of the guard, and frames of all kinds

The guest has the MAC, addresses and prefixes below; SIBLING is somebody else, GATEWAY
and HOST the host.
"""
import ipaddress
import struct

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


def later4(protocol, data):
    """A fragment that is not the first"""
    packet = packet4(OWN4, FAR4, protocol, data)
    header = packet[:6] + b"\0\1" + packet[8:10] + bytes(2) + packet[12:20]
    return ether(0x0800, header[:10] + struct.pack("!H", checksum(header)) + packet[12:])


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


def icmp6(src, dst, kind, body, code=0, hops=255, wrap=None, src_mac=MAC, **frame):
    message = summed6(src, dst, 58, struct.pack("!BBH", kind, code, 0) + body, 2)
    if "dst" not in frame and dst.startswith("ff"):
        frame["dst"] = "33:33:" + ip6(dst)[-4:].hex(":")
    header, payload = wrap(message) if wrap else (58, message)
    return ether(0x86DD, packet6(src, dst, header, payload, hops), src=src_mac, **frame)


def option(kind, address):
    return struct.pack("!BB", kind, 1) + mac(address)


NONCE = struct.pack("!BB", 14, 1) + b"nonce!"


def solicit(target, src=OWN6, options=b"", **rest):
    group = "ff02::1:ff" + ip6(target)[-3:].hex()[:2] + ":" + ip6(target)[-2:].hex()
    return icmp6(src, group, 135, bytes(4) + ip6(target) + options, **rest)


def advertise(target, src=OWN6, options=b"", flags=0x20000000, to=ALL6, **rest):
    return icmp6(src, to, 136, struct.pack("!I", flags) + ip6(target) + options,
                 **rest)


def router_advertisement(src=LOCAL6, **rest):
    return icmp6(src, ALL6, 134, struct.pack("!BBHII", 64, 0, 1800, 0, 0), **rest)


def redirect6(src=LOCAL6, **rest):
    return icmp6(src, GATEWAY6, 137, bytes(4) + ip6(LOCAL6) + ip6(FAR6), **rest)


def report(src):
    record = struct.pack("!BBH", 4, 0, 0) + ip6("ff02::1:ff00:5")
    hop = struct.pack("!BBHBBBB", 58, 0, 0x0502, 0, 0, 1, 0)

    def wrap(message):
        return 0, hop + message

    return icmp6(src, "ff02::16", 143, struct.pack("!HH", 0, 1) + record, hops=1,
                 wrap=wrap)


# Extension headers (RFC 8200): number, and what follows the next header's
HEADERS = {"hop-by-hop": (0, "00010400000000"), "routing": (43, "00000000000000"),
           "fragment": (44, "00000000000007"), "first fragment": (44, "00000100000007"),
           "later fragment": (44, "00000800000007"),
           "destination": (60, "00010400000000")}


def behind(*names):
    """for icmp6(wrap=): these headers before the message, outermost first"""
    def wrap(message, header=58):
        for name in reversed(names):
            number, rest = HEADERS[name]
            message, header = bytes([header]) + bytes.fromhex(rest) + message, number
        return header, message
    return wrap


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


def llc(header, frame):
    """IEEE 802.3: a length where the type is, and there LLC or SNAP"""
    body = bytes.fromhex(header) + frame[12:]
    return frame[:12] + struct.pack("!H", len(body)) + body


SNAP = "aaaa03000000"
