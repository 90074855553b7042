#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""fake-daemon.py KIND FOLDER - a BIRD or FRR that has no neighbours

It learns our routes from the kernel's notifications, of which it keeps a list in
FOLDER/learned, and answers at FOLDER/bird.ctl, or zebra.vty and bgpd.vty, what a daemon
with two sessions would. FOLDER/ailment says what is wrong with it; after SIGUSR1 it has
forgotten all routes.
"""
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

KIND, FOLDER = sys.argv[1:]
RANKS = {4: 'preferred', 5: 'normal', 4194305000: 'last'}
routes = {}  # prefix -> set of metrics
lock = threading.Lock()


def place(name):
    return os.path.join(FOLDER, name)


def ailment():
    try:
        with open(place('ailment'), encoding='ascii') as file:
            return file.read().strip()
    except FileNotFoundError:
        return ''


# --- learning -------------------------------------------------------------------------

def save():
    with open(place('learned.new'), 'w', encoding='ascii') as file:
        for prefix in sorted(routes):
            print(prefix, RANKS[min(routes[prefix])], file=file)
    os.rename(place('learned.new'), place('learned'))


def learn(line):
    words = line.split()
    gone = words[0] == 'Deleted'
    prefix = words[gone]
    if 'metric' not in words or not ({'76', 'l3vm'} & set(words)):
        return
    if '/' not in prefix:
        prefix += '/128' if ':' in prefix else '/32'
    metric = int(words[words.index('metric') + 1])
    with lock:
        metrics = routes.setdefault(prefix, set())
        (metrics.discard if gone else metrics.add)(metric)
        if not metrics:
            del routes[prefix]
        save()


def follow():
    with subprocess.Popen(['ip', '-o', 'monitor', 'route'], stdout=subprocess.PIPE,
                          text=True) as monitor:
        for family in '-4', '-6':
            for line in subprocess.run(['ip', '-o', family, 'route', 'show', 'proto', '76'],
                                       capture_output=True, text=True,
                                       check=True).stdout.splitlines():
                learn(line + ' proto 76')
        for line in monitor.stdout:
            learn(line)


def forget(*_):
    routes.clear()
    save()


# --- answering ------------------------------------------------------------------------

def of_family(number):
    return sorted(p for p in routes if (':' in p) == (number == 6))


def bird(question):
    text = ''
    if question == 'restrict':
        return '0016 Access restricted\n'
    if question == 'show protocols':
        text = '2002-Name Proto Table State Since Info\n'
        for name in 'tor4', 'tor6':
            text += f'1002-{name} BGP --- up 14:37:24.244 Established\n'
    elif question.startswith('show route table all'):
        for prefix, metrics in sorted(routes.items()):
            text += (f'1007-{prefix} unicast [kernel 14:37:23] * (200)\n'
                     f'1012-\tKernel.source: 76\n \tKernel.metric: {min(metrics)}\n')
    elif question.startswith('show route where krt_source = 76 export tor'):
        for prefix in of_family(int(question[-1])):
            text += f'1007-{prefix} unicast [kernel 14:37:23] * (200)\n'
    return text + '0000 \n'


def frr(question):
    words = question.split()
    answer = {}
    if question in ('enable', 'show running-config'):
        return '\0\0\0\0'
    if words[1:2] == ['bgp'] and words[2] == 'neighbors':
        for name, family in ('192.0.2.1', 'ipv4'), ('2001:db8:f::1', 'ipv6'):
            answer[name] = {'bgpState': 'Established',
                            'addressFamilyInfo': {family + 'Unicast': {}}}
    elif words[1:2] == ['bgp']:
        answer['advertisedRoutes'] = {p: {} for p in of_family(int(words[2][3]))}
    else:
        for prefix in of_family(6 if words[1] == 'ipv6' else 4):
            answer[prefix] = [{'metric': min(routes[prefix]) & 0xffffff,
                               'selected': True}]
    return json.dumps(answer) + '\0\0\0\0'


def serve(peer):
    greeting, end = ('0001 BIRD 2.0.12 ready.\n', b'\n') if KIND == 'bird' else ('', b'\0')
    peer.sendall(greeting.encode())
    text = b''
    while data := peer.recv(4096):
        text += data
        while end in text:
            question, text = text.split(end, 1)
            wrong = ailment()
            if wrong == 'silent':
                return time.sleep(600)
            if wrong == 'noise':
                return peer.sendall(b'what?\n\n1\n\xff{"7":')
            if wrong == 'refuses':
                peer.sendall(b'9001 no\n' if KIND == 'bird' else b'no\0\0\0\2')
                continue
            if wrong == 'slow':
                time.sleep(0.1)
            with lock:
                answer = (bird if KIND == 'bird' else frr)(question.decode())
            peer.sendall(answer.encode())


def attend(listener):
    def attended(peer):
        with peer:
            try:
                serve(peer)
            except OSError:
                pass  # whoever asked has gone
    while True:
        peer, _ = listener.accept()
        threading.Thread(target=attended, args=[peer], daemon=True).start()


signal.signal(signal.SIGUSR1, forget)
for name in ['bird.ctl'] if KIND == 'bird' else ['bgpd.vty', 'zebra.vty']:
    if os.path.exists(place(name)):
        os.unlink(place(name))
    server = socket.socket(socket.AF_UNIX)
    server.bind(place(name))
    server.listen()
    threading.Thread(target=attend, args=[server], daemon=True).start()
threading.Thread(target=follow, daemon=True).start()
while True:
    signal.pause()
