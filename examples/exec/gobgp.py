#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""gobgp.py - for [announcer exec]: tells GoBGP what l3vm announces, by gobgp(1)

GoBGP's peers should be of another AS: the ranks are told by the length of the path,
which GoBGP makes longer by one itself, and by GRACEFUL_SHUTDOWN (RFC 8326). It ends
when GoBGP does: l3vm-agent starts it again, and tells it everything.
"""
import json
import os
import subprocess
import sys
import threading

AS = sys.argv[1]  # our AS number
ATTRIBUTES = {
    'preferred': [],
    'normal': ['aspath', AS],
    'last': ['aspath', ','.join([AS] * 3), 'med', '1000', 'community', '65535:0'],
}


def end_with_gobgp():
    subprocess.run(['gobgp', 'monitor', 'global', 'rib'], check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os._exit(1)


def gobgp(verb, dst, more):
    family = 'ipv6' if ':' in dst else 'ipv4'
    subprocess.run(['gobgp', 'global', 'rib', verb, dst, *more, '-a', family],
                   check=True, capture_output=True, text=True)


def do(line):
    if line['op'] == 'announce':
        gobgp('add', line['dst'], ATTRIBUTES[line['rank']])
    elif line['op'] == 'withdraw':
        gobgp('del', line['dst'], [])
    elif line['op'] == 'hello' and line['version'] != 1:
        raise ValueError('unknown version')


threading.Thread(target=end_with_gobgp, daemon=True).start()
for text in sys.stdin:
    request = json.loads(text)
    answer = {'seq': request['seq'], 'ok': True}
    try:
        do(request)
    except (subprocess.CalledProcessError, OSError, ValueError) as error:
        answer.update(ok=False, error=(getattr(error, 'stderr', '') or str(error)).strip())
    print(json.dumps(answer), flush=True)
