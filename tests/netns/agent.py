#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""agent.py - what the agent's tests need around it

	agent.py notified SOCKET FILE
		what a service tells systemd goes to FILE, a line each
	agent.py monitor SOCKET NAME CONTROL
		a QEMU's monitor. What is written to CONTROL, a FIFO, happens:
		"event NAME [DATA]", "status WORD", "migration JSON", "mute", "quit".
		CONTROL.asked is there once somebody has asked how a migration is
	agent.py frame IFNAME MAC KIND...
		sends frames: rarp, garp4:A, reply4:A, na:A, ip4:A, ip6:A, probe:A
	agent.py send ADDRESS PORT RATE FILE
		numbered packets, RATE a second, until SIGTERM; FILE has how many
	agent.py sink PORT... FILE
		FILE.PORT gets the numbers that come to PORT, as they come
	agent.py tap IFNAME PORT... FILE
		takes frames from the tap IFNAME as QEMU does, until FILE.stop exists; no
		more then, but keeps it open. FILE.PORT gets the numbers that come to PORT
	agent.py compare SENT FILE...
		how many of the SENT numbers are in none of the FILEs (lost), how many
		are there more than once (twice), and how often one follows a larger one
		in the last FILE (disorder)
	agent.py gateways IFNAME FILE
		FILE gets "SECONDS request|reply|na ADDRESS MAC" for each message that
		tells where a gateway is
"""
import fcntl
import ipaddress
import json
import os
import select
import signal
import socket
import struct
import sys
import time

# linux/if_tun.h
TUNSETIFF, IFF_TAP_NO_PI = 0x400454CA, 0x1002
BROADCAST = b"\xff" * 6


def mac_bytes(text):
    return bytes.fromhex(text.replace(":", ""))


def notified(path, file):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(path)
    with open(file, "a", buffering=1) as out:
        while True:
            print(sock.recv(4096).decode(), file=out)


class Monitor:
    """Like QEMU's: one client is served, the next has to wait"""

    def __init__(self, path, name, asked):
        self.asked = asked
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1)
        self.client, self.input, self.mute = None, b"", False
        self.answers = {"query-name": {"name": name},
                        "query-uuid": {"UUID": "0" * 8 + "-0000" * 3 + "-" + "0" * 12},
                        "query-status": {"status": "running"}, "query-migrate": {}}

    def say(self, message):
        if self.client:
            self.client.send(json.dumps(message).encode() + b"\r\n")

    def accept(self):
        self.client, self.input = self.listener.accept()[0], b""
        if not self.mute:
            self.say({"QMP": {"version": {}, "capabilities": []}})

    def read(self):
        data = self.client.recv(65536)
        if not data:
            self.client = None
            return
        *lines, self.input = (self.input + data).split(b"\n")
        for line in lines:
            asked = json.loads(line)
            answer = self.answers.get(asked["execute"], {})
            self.say({"return": answer, "id": asked["id"]})
            if asked["execute"] == "query-migrate":
                open(self.asked, "w").close()

    def control(self, line):
        word, _, rest = line.partition(" ")
        if word == "event":
            name, _, data = rest.partition(" ")
            now = time.time_ns() // 1000
            event = {"event": name, "timestamp": {"seconds": now // 1000000,
                                                  "microseconds": now % 1000000}}
            if data:
                event["data"] = json.loads(data)
            self.say(event)
        elif word == "status":
            self.answers["query-status"] = {"status": rest}
        elif word == "migration":
            self.answers["query-migrate"] = json.loads(rest)
        elif word == "mute":
            self.mute = True
        elif word == "quit":
            sys.exit(0)


def monitor(path, name, control):
    qemu = Monitor(path, name, control + ".asked")
    # both ends, so that a writer's end is not the end
    commands, text = os.open(control, os.O_RDWR), ""
    while True:
        waiting = [commands, qemu.client or qemu.listener]
        for ready in select.select(waiting, [], [])[0]:
            if ready == commands:
                *lines, text = (text + os.read(commands, 4096).decode()).split("\n")
                for line in lines:
                    qemu.control(line)
            elif ready == qemu.listener:
                qemu.accept()
            else:
                qemu.read()


def arp(mac, kind, op, sender, target, target_mac):
    return (BROADCAST + mac + kind + struct.pack("!HHBBH", 1, 0x0800, 6, 4, op) +
            mac + sender + target_mac + target)


def ip6(mac, source, next_header, message):
    header = struct.pack("!IHBB", 6 << 28, len(message), next_header, 255)
    group = bytes.fromhex("ff02000000000000" "0000000000000001")
    return b"\x33\x33\0\0\0\x01" + mac + b"\x86\xdd" + header + source + group + message


def advertisement(mac, source):
    message = struct.pack("!BBHI", 136, 0, 0, 0x20000000) + source + b"\x02\x01" + mac
    group = bytes.fromhex("ff02000000000000" "0000000000000001")
    data = source + group + struct.pack("!II", len(message), 58) + message
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    message = message[:2] + struct.pack("!H", ~total & 0xFFFF) + message[4:]
    return ip6(mac, source, 58, message)


def frame(mac, text):
    kind, _, rest = text.partition(":")
    addr = ipaddress.ip_address(rest).packed if rest else b""
    if kind == "rarp":
        return arp(mac, b"\x80\x35", 3, bytes(4), bytes(4), mac)
    if kind == "garp4":
        return arp(mac, b"\x08\x06", 1, addr, addr, bytes(6))
    if kind == "reply4":
        return arp(mac, b"\x08\x06", 2, addr, addr, BROADCAST)
    if kind == "probe":
        return arp(mac, b"\x08\x06", 1, bytes(4), addr, bytes(6))
    if kind == "na":
        return advertisement(mac, addr)
    if kind == "ip4":
        return (mac_bytes("02:6c:33:76:6d:01") + mac + b"\x08\x00" +
                bytes.fromhex("450000140000000040110000") + addr + b"\xc0\0\x02\x02")
    if kind == "ip6":
        return ip6(mac, addr, 59, b"")
    raise SystemExit("agent.py: no frame of the kind " + kind)


def frames(ifname, mac, *kinds):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    for kind in kinds:
        sock.sendto(frame(mac_bytes(mac), kind), (ifname, 0))


def stop_on_term():
    def end(_number, _frame):
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, end)


def send(address, port, rate, file):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setblocking(False)
    number, start = 0, time.monotonic()
    stop_on_term()
    try:
        while True:
            sock.sendto(struct.pack("!I", number) + bytes(96), (address, int(port)))
            number += 1
            due = start + number / float(rate)
            time.sleep(max(0, due - time.monotonic()))
    except KeyboardInterrupt:
        with open(file, "w") as out:
            print(number, file=out)


def repeat(address, port, rate):
    """The same datagram again and again."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    stop_on_term()
    try:
        while True:
            sock.sendto(bytes(100), (address, int(port)))
            time.sleep(1 / float(rate))
    except KeyboardInterrupt:
        pass


def sink(*arguments):
    *ports, file = arguments
    outputs = {}
    for port in ports:
        sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(("::", int(port)))
        outputs[sock] = open(file + "." + port, "w", buffering=1)
    while True:
        for sock in select.select(list(outputs), [], [])[0]:
            print(struct.unpack("!I", sock.recv(2048)[:4])[0], file=outputs[sock])


def tap(ifname, *arguments):
    ports, file = [int(port) for port in arguments[:-1]], arguments[-1]
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH", ifname.encode(), IFF_TAP_NO_PI))
    outs = {port: open("%s.%d" % (file, port), "w", buffering=1) for port in ports}
    while not os.path.exists(file + ".stop"):
        if not select.select([fd], [], [], 0.001)[0]:
            continue
        data = os.read(fd, 2000)
        ip = 14 + (40 if data[12:14] == b"\x86\xdd" else 20)
        port = struct.unpack("!H", data[ip + 2:ip + 4])[0] if len(data) > ip + 12 else 0
        if port in outs:
            print(struct.unpack("!I", data[ip + 8:ip + 12])[0], file=outs[port])
    signal.pause()


def compare(sent, *files):
    lists = [[int(line) for line in open(file)] for file in files]
    all_of_them = sum(lists, [])
    missing = set(range(int(sent))) - set(all_of_them)
    disorder = sum(a > b for a, b in zip(lists[-1], lists[-1][1:]))
    print("lost", len(missing), "twice", len(all_of_them) - len(set(all_of_them)),
          "disorder", disorder)


def gateways(ifname, file):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    sock.bind((ifname, 3))
    with open(file, "w", buffering=1) as out:
        print("listening", file=out)
        while True:
            data, address = sock.recvfrom(2048)
            if address[2] == socket.PACKET_OUTGOING:
                continue
            if data[12:14] == b"\x08\x06" and data[28:32] == data[38:42]:
                what = "request" if data[21] == 1 else "reply"
                who, mac = socket.inet_ntop(socket.AF_INET, data[28:32]), data[22:28]
            elif data[12:14] == b"\x86\xdd" and data[20] == 58 and data[54] == 136:
                what, mac = "na", data[80:86]
                who = socket.inet_ntop(socket.AF_INET6, data[62:78])
            else:
                continue
            print("%.3f" % time.monotonic(), what, who, mac.hex(":"), file=out)


commands = {"notified": notified, "monitor": monitor, "frame": frames, "send": send,
            "repeat": repeat, "tap": tap, "sink": sink, "compare": compare, "gateways": gateways}
if len(sys.argv) < 2 or sys.argv[1] not in commands:
    raise SystemExit(__doc__)
try:
    commands[sys.argv[1]](*sys.argv[2:])
except KeyboardInterrupt:
    pass
