#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""service.py NAME ADDRESS...     - answers datagrams to the addresses with NAME
service.py ask ADDRESS...      - prints what each answers, or "nobody"
"""
import select
import socket
import sys

PORT = 5353


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def bound(address):
    sock = socket.socket(family(address), socket.SOCK_DGRAM)
    # the address may come later
    sock.setsockopt(socket.IPPROTO_IP, 15, 1)  # IP_FREEBIND
    sock.bind((address, PORT))
    return sock


def serve(name, addresses):
    sockets = [bound(address) for address in addresses]
    while True:
        for sock in select.select(sockets, [], [])[0]:
            sock.sendto(name.encode(), sock.recvfrom(100)[1])


def ask(address):
    with socket.socket(family(address), socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.15)
        sock.connect((address, PORT))
        try:
            sock.send(b"?")
            return sock.recv(100).decode()
        except OSError:
            return "nobody"


if sys.argv[1] == "ask":
    print(*[ask(address) for address in sys.argv[2:]])
else:
    serve(sys.argv[1], sys.argv[2:])
