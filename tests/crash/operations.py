#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""operations.py - random operations, killed at random moments; and then?

	operations.py BUILD OPERATIONS SEED
		in a network namespace of its own; prints what it counted
	operations.py announcer FILE
		a program for [announcer exec]: FILE has what it was told

Guests are attached, moved and removed by the programs that people and libvirt call, taps
come and go, the agent runs and dies. Most programs are killed before one of their
changes. Then one reconcile, or the agent, must have brought about what the records say,
and the records what was asked for: routes, rules, neighbours, addresses, settings, the
guard, reservations and announcements, no less (missing) and no more (leaked). What is
others' must stay as it is (foreign).

What should be is said here anew, from the manual and not from the library's code.
"""
import copy
import fcntl
import ipaddress
import json
import os
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile
import time

TUNSETIFF, TUNSETPERSIST, IFF_TAP_NO_PI = 0x400454CA, 0x400454CB, 0x1002
PROTOCOL = "76"
METRIC = {"arrived": 4, "live": 5, "leaving": 0xFA0003E8}
RANK = {"arrived": "preferred", "live": "normal", "leaving": "last"}
GATEWAY_MAC = "02:6c:33:76:6d:01"
KILLED = 137
FAILED, NOT_FOUND, REFUSED = 1, 4, 5
PATIENCE = 20  # seconds in which the agent does its work, on a busy machine

CONFIG = """
[l3vm]
hold-time = 600min
[announcer exec]
command = {program}
[network default]
announce = kernel exec
[network tenant]
table = 100
proxy-arp = yes
allow = 10.0.0.0/8 2001:db8::/32
cover = unreachable
[network lan]
mode = bridge
bridge = br0
"""

GUESTS = {"g1": ["tap1", "tap2"], "g2": ["tap3"], "g3": ["tap4"]}
GUEST_OF = {tap: guest for guest, taps in GUESTS.items() for tap in taps}
MAC = {tap: f"52:54:00:00:00:0{tap[3]}" for tap in GUEST_OF}
# what libvirt calls the guest; the others have no more than a name
UUID = {"g1": "11111111-2222-3333-4444-000000000001"}
ADDRESSES = [f"10.0.0.{i}" for i in range(1, 8)] + [f"2001:db8::{i}" for i in range(1, 8)]
PREFIXES = ["10.1.0.0/24", "10.2.0.0/24", "2001:db8:1::/64"]
# what an event makes of each state (l3vm(8), MIGRATION)
PHASES = {
    "arrived": {"prepared": "arrived", "arrived": "arrived", "live": "live",
                "leaving": "live"},
    "leaving": {"prepared": "prepared", "arrived": "leaving", "live": "leaving",
                "leaving": "leaving"},
    "left": {},
    "aborted": {"arrived": "arrived", "live": "live", "leaving": "live"},
}

# Others' things: some look very much like ours.
STRANGERS = """
link add up0 type veth peer name up1
link set up0 addrgenmode none
link set up1 addrgenmode none
link set up0 up
link set up1 up
addr add 192.0.2.1/24 dev up0
addr add 2001:db8:c::1/64 dev up0 nodad
route add default via 192.0.2.2
route add 10.0.0.1 via 192.0.2.2 metric 32 protocol bird
route add 10.0.0.2 via 192.0.2.2 metric 3 protocol static
route add 10.0.0.3 via 192.0.2.2 metric 20 protocol 75 table 100
route add 10.1.0.0/24 via 192.0.2.2 metric 6 protocol static
route add 2001:db8::1 via 2001:db8:c::2 metric 4194305001 protocol bird
route add 2001:db8:1::/64 via 2001:db8:c::2 metric 3 protocol static
neigh add 10.0.0.1 lladdr 52:54:00:00:00:01 dev up0 nud permanent
neigh add 2001:db8::1 lladdr 52:54:00:00:00:01 dev up0 nud permanent
rule add pref 7600 iif tap1 lookup 200
rule add pref 7601 to 10.0.0.1 lookup 200
"""
STRANGERS_NFT = """
table inet stranger {
	set ports { type ifname; elements = { "tap1", "br0" }; }
	chain forward { type filter hook forward priority 0; iifname @ports accept; }
}
"""


def run(*argv, text=None):
    return subprocess.run(argv, input=text, text=True, capture_output=True, check=True).stdout


def documents(text):
    """The JSON documents that stand one after the other in text"""
    decoder, place, found = json.JSONDecoder(), 0, []
    while place < len(text):
        document, place = decoder.raw_decode(text, place)
        found.append([entry for entry in document if entry])
        while text[place : place + 1].isspace():
            place += 1
    return found


def is_ip6(address):
    return ":" in address


def link_local(mac, prefix="fe80::"):
    octets = bytes.fromhex(mac.replace(":", ""))
    low = bytes([octets[0] ^ 2]) + octets[1:3] + b"\xff\xfe" + octets[3:]
    return str(ipaddress.ip_address(ipaddress.ip_address(prefix).packed[:8] + low))


def add_tap(name):
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP_NO_PI))
    fcntl.ioctl(fd, TUNSETPERSIST, 1)
    os.close(fd)


def link_exists(name):
    return os.path.exists(f"/sys/class/net/{name}")


# --- what should be -----------------------------------------------------------------


def guard_of(port):
    """The guard's elements for a port, and for the bridge that it is on"""
    tap, mac = port["ifname"], port["mac"]
    bridged = port["network"] == "lan"
    number = str(int(mac.replace(":", ""), 16))
    main = "bridge" if bridged else "inet"
    want = {f"{main} ports {tap} goto port", f"{main} dropped {tap}",
            f"{main} macs {tap} {mac}", f"{main} lladdrs {tap} {number}"}
    if bridged:
        want |= {f"inet ports {tap} drop", f"arp ports {tap} drop",
                 "inet ports br0 goto from_bridge"}
    else:
        want |= {f"arp ports {tap} goto port", f"arp dropped {tap}",
                 f"arp macs {tap} {mac}", f"bridge ports {tap} drop"}
    for source in port["addresses"] + port["prefixes"] + [link_local(mac)]:
        kind = ("prefix" if "/" in source else "source") + ("6" if is_ip6(source) else "4")
        want.add(f"{main} {kind} {tap} {source}")
        if kind == "source6":
            want.add(f"{main} targets {tap} 0x{ipaddress.ip_address(source).packed.hex()}")
        if not is_ip6(source) and not bridged:
            want.add(f"arp {kind} {tap} {source}")
    return {f"guard {element}" for element in want}


def router_of(dev, proxy_arp):
    """An interface that guests have for their router"""
    settings = {"ipv4 forwarding": 1, "ipv4 rp_filter": 1, "ipv4 send_redirects": 0,
                "ipv4 proxy_arp": proxy_arp, "ipv4 arp_ignore": 1,
                "ipv6 forwarding": 1, "ipv6 accept_ra": 0, "ipv6 accept_dad": 0,
                "ipv6 accept_redirects": 0, "ipv6 disable_ipv6": 0}
    return {f"link {dev} {GATEWAY_MAC} up", f"addr {dev} 169.254.0.1/32",
            f"addr {dev} fe80::1/64"} | {
                f"sysctl {dev} {key} {value}" for key, value in settings.items()}


def way_of(port, destination, dev):
    """How a destination of the port is reached: its next hop, or itself"""
    first = [a for a in port["addresses"] if not is_ip6(a)][:1]
    if "/" in destination and not is_ip6(destination) and first:
        return f"{destination} via {first[0]} dev {dev}"
    if "/" in destination or (is_ip6(destination) and dev == "br0"):
        return f"{destination} via {hop_of(port)} dev {dev}"
    return f"{destination} dev {dev}"


def hop_of(port):
    return link_local(port["mac"], "fd6c:3376:6d01::" if port["network"] == "lan" else
                      "fe80::")


def expected(port):
    tap, state, network = port["ifname"], port["state"], port["network"]
    metric = METRIC.get(state)
    table = 100 if network == "tenant" else 254
    dev = "br0" if network == "lan" else tap
    want = guard_of(port)
    if network == "lan":
        want |= router_of("br0", 1) | {f"port {tap} br0 up", f"fdb {tap} {port['mac']}"}
    else:
        want |= router_of(tap, 1 if network == "tenant" and metric else 0)
    if network == "tenant":
        want |= {f"rule {family} 7600 iif {tap} lookup 100" for family in (4, 6)}
        want |= {f"route unreachable {p} table 100 metric {METRIC['leaving']}"
                 for p in ("10.0.0.0/8", "2001:db8::/32")}
    ways = [way_of(port, d, dev) for d in port["addresses"] + port["prefixes"]]
    neighbours = port["addresses"] + ([hop_of(port)] if any(hop_of(port) in w for w in ways)
                                      else [])
    want |= {f"neigh {dev} {address} {port['mac']}" for address in neighbours}
    if metric:
        want |= {f"route {way} table {table} metric {metric}" for way in ways}
        want |= {f"rule {6 if is_ip6(d) else 4} 7601 to {d} lookup 100"
                 for d in port["addresses"] + port["prefixes"] if network == "tenant"}
    return want


def may_stay(fact):
    """A bridge is never taken away, nor is what its network's ports shared; and what
    sends the agent's held packets on does nothing without the agent"""
    return re.search(r"\bbr0 (?!10\.|2001:|fd6c:)|^route unreachable |iif l3vm-hold ", fact)


def without(port, destinations):
    """The port, if there is one, without these"""
    return port and {**port, **{key: [d for d in port[key] if d not in destinations]
                                for key in ("addresses", "prefixes")}}


def host_route(destination):
    return destination if "/" in destination else \
        f"{destination}/{128 if is_ip6(destination) else 32}"


# --- what is ------------------------------------------------------------------------


class Kernel:
    """One look at everything; facts are ours, foreign is the rest of it"""

    def __init__(self):
        self.facts, self.foreign = set(), []
        for family in (4, 6):
            question = "route show table all\nrule\nneigh show nud all\naddr\n"
            routes, rules, neighbours, links = documents(
                run("ip", f"-{family}", "-N", "-d", "-j", "-batch", "-", text=question))
            for route in routes:
                self.take_route(route)
            for rule in rules:
                self.take_rule(family, rule)
            for neighbour in neighbours:
                self.take_neighbour(neighbour)
            for link in links:
                self.take_addresses(link)
        for link in documents(run("ip", "-j", "-d", "link"))[0]:
            self.take_link(link)
        for entry in documents(run("bridge", "-j", "fdb"))[0]:
            if entry.get("state") == "static" and entry.get("ifname") in GUEST_OF:
                self.facts.add(f"fdb {entry['ifname']} {entry['mac']}")
        for item in json.loads(run("nft", "-j", "list", "ruleset"))["nftables"]:
            self.take_nft(item)
        self.foreign.sort(key=str)

    def take_route(self, route):
        if route.get("protocol") != PROTOCOL:
            # the kernel's own come when a carrier does
            if route.get("dev") in ("up0", "up1") and route.get("protocol") != "2":
                route["flags"] = None  # of the cable
                self.foreign.append(route)
            return
        via = route.get("gateway") or route.get("via", {}).get("host")
        kind = route["type"] if route.get("type") not in (None, "1", "unicast") else None
        words = ["unreachable" if kind else None, route["dst"], via and f"via {via}",
                 None if kind else f"dev {route['dev']}",
                 f"table {route.get('table', 254)}", f"metric {route['metric']}"]
        self.facts.add(" ".join(["route"] + [word for word in words if word]))

    def take_rule(self, family, rule):
        if rule.get("protocol") != PROTOCOL:
            rule.pop("iif_detached", None)
            self.foreign.append(rule)
            return
        what = f"iif {rule['iif']}" if "iif" in rule else f"to {rule.get('dst')}"
        if "dstlen" in rule and rule["dstlen"] not in (32, 128):
            what += f"/{rule['dstlen']}"
        self.facts.add(f"rule {family} {rule['priority']} {what} lookup {rule['table']}")

    def take_neighbour(self, neighbour):
        if neighbour["dev"] in ("up0", "up1"):
            if "PERMANENT" in neighbour["state"]:
                self.foreign.append(neighbour)
        elif "PERMANENT" in neighbour["state"]:
            self.facts.add(f"neigh {neighbour['dev']} {neighbour['dst']} "
                           f"{neighbour['lladdr']}")

    def take_addresses(self, link):
        for address in link.get("addr_info", []):
            text = f"{address['local']}/{address['prefixlen']}"
            if link["ifname"] in GUEST_OF or link["ifname"] == "br0":
                self.facts.add(f"addr {link['ifname']} {text}")
            elif link["ifname"] in ("lo", "up0", "up1"):
                self.foreign.append(f"{link['ifname']} {text}")

    def take_link(self, link):
        name = link["ifname"]
        up = "up" if "UP" in link["flags"] else "down"
        if name in ("up0", "up1"):
            self.foreign.append((name, link["address"], up, link["mtu"]))
            self.foreign += [(name, self.setting(name, key)) for key in SETTINGS]
        elif name in GUEST_OF or name == "br0":
            self.facts.add(f"link {name} {link['address']} {up}")
            if link.get("master"):
                self.facts.add(f"port {name} {link['master']} {up}")
            self.facts |= {f"sysctl {name} {key} {self.setting(name, key)}"
                           for key in SETTINGS}

    @staticmethod
    def setting(name, key):
        family, file = key.split()
        path = pathlib.Path(f"/proc/sys/net/{family}/conf/{name}/{file}")
        return path.read_text().strip() if path.exists() else "gone"

    def take_nft(self, item):
        kind, body = next(iter(item.items()))
        if kind == "metainfo":
            return
        if (body.get("table") or body["name"]) != "l3vm":
            body.pop("handle", None)
            self.foreign.append(json.dumps(item, sort_keys=True))
        elif kind in ("set", "map") and body["name"] != "closed":
            for element in body.get("elem", []):
                self.facts.add(f"guard {body['family']} {body['name']} {words_of(element)}")


SETTINGS = [key for line in router_of("-", 0) if line.startswith("sysctl")
            for key in [line.split(" ", 2)[2].rsplit(" ", 1)[0]]]


def words_of(element):
    """nft's JSON for an element, in words"""
    if isinstance(element, list):
        return " ".join(words_of(part) for part in element)
    if not isinstance(element, dict):
        return str(element)
    kind, body = next(iter(element.items()))
    if kind == "elem":
        return words_of(body["val"])
    if kind == "concat":
        return words_of(body)
    if kind == "prefix":
        return f"{body['addr']}/{body['len']}"
    return f"goto {body['target']}" if kind == "goto" else kind


# --- the host -----------------------------------------------------------------------


class Wrong(Exception):
    """What should not be; the counts are in the world by then"""


class World:
    def __init__(self, build, rng):
        self.build, self.rng = build, rng
        self.dir = pathlib.Path(tempfile.mkdtemp(dir="/dev/shm"))
        self.state = self.dir / "state"
        self.model = {}  # tap -> what its record should say
        self.history = []  # of calls, for the reader of a failure
        self.agent = None
        self.dangling = set()  # reserved by somebody who died before he had a record
        self.most = {}  # program and verb -> changes that it made
        self.counts = dict.fromkeys(
            ("operations", "kills", "agents", "leaked", "missing", "foreign"), 0)
        os.environ.update(L3VM_CONFIG=str(self.dir / "l3vm.conf"),
                          L3VM_STATE_DIR=str(self.state))
        program = self.dir / "announcer"
        program.write_text(f"#!/bin/sh\nexec {os.path.abspath(__file__)} announcer "
                           f"{self.dir}/announced\n")
        program.chmod(0o755)
        (self.dir / "l3vm.conf").write_text(CONFIG.format(program=program))
        (self.dir / "guests.d").mkdir()
        (self.dir / "announced").write_text("{}")
        run("ip", "-batch", "-", text=STRANGERS)
        run("nft", "-f", "-", text=STRANGERS_NFT)
        for tap in GUEST_OF:
            add_tap(tap)
        self.strangers = Kernel().foreign

    # what is on record

    def records(self):
        found = {}
        for file in (self.state / "ports").glob("*.json"):
            record = json.loads(file.read_text())
            found[file.stem] = {key: record.get(key) for key in
                                ("guest", "ifname", "mac", "network", "addresses",
                                 "prefixes", "state", "was")}
        return found

    def paper(self):
        """Reservations, and which ports each guest has"""
        found = {f"reservation {link.name.replace('_', '/')} {os.readlink(link)}"
                 for link in (self.state / "addresses").glob("*")}
        for file in (self.state / "guests").glob("*.json"):
            guest = json.loads(file.read_text())
            found |= {f"guest {guest['guest']} {port}" for port in guest["ports"]}
        return found

    # programs

    def call(self, program, *words, text=None, may_die=True):
        """Its status; KILLED if it was killed before one of its changes"""
        key = f"{program} {words[0]}"
        argv = [f"{self.build}/{program}", *words]
        if may_die and self.rng.random() < 0.7:
            count = self.dir / "count"
            count.unlink(missing_ok=True)
            n = self.rng.randrange(self.most.get(key, 40))
            argv = [f"{self.build}/tests/crash/dies-before", str(n), str(count), *argv]
        done = subprocess.run(argv, input=text, text=True, capture_output=True)
        if done.returncode == KILLED:
            self.counts["kills"] += 1
        elif may_die and len(argv) > len(words) + 1:
            self.most[key] = max(int(count.read_text()), self.most.get(key, 1), 1)
        self.said = done.stderr.strip()
        self.history.append(f"{' '.join(argv)}: {done.returncode} {self.said}")
        return done.returncode

    def agent_runs(self):
        return self.agent is not None and self.agent.poll() is None

    def start_agent(self):
        """Mostly one that is to die before one of the next things it does"""
        if self.agent_runs():
            return
        self.counts["agents"] += 1
        argv = [f"{self.build}/l3vm-agent", "--no-libvirt"]
        if self.rng.random() < 0.8:
            argv = [f"{self.build}/tests/crash/dies-before",
                    str(self.rng.randrange(400)), "/dev/null", *argv]
        self.agent = subprocess.Popen(argv, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL,
                                      stderr=open(self.dir / "agent.err", "a"))

    def kill_agent(self):
        if self.agent is not None:
            self.agent.kill()
            self.agent.wait()
        self.agent = None

    # judging

    def differences(self):
        """(what is missing, what is too much) against the model"""
        want, paper, announced = set(), set(), {}
        for tap, port in self.model.items():
            want |= expected(port)
            paper.add(f"guest {port['guest']} {tap}")
            for destination in port["addresses"] + port["prefixes"]:
                paper.add(f"reservation {host_route(destination)} {tap}")
                if port["state"] in RANK:
                    announced[host_route(destination)] = RANK[port["state"]]
        kernel = Kernel()
        if kernel.foreign != self.strangers:
            self.counts["foreign"] += 1
            raise Wrong("\n".join(
                [f"foreign, gone: {f}" for f in self.strangers if f not in kernel.foreign] +
                [f"foreign, new: {f}" for f in kernel.foreign if f not in self.strangers]))
        have = {fact for fact in kernel.facts if not fact.startswith(("link", "sysctl", "port"))}
        missing = want - kernel.facts
        leaked = {f for f in have - want if not may_stay(f)}
        # a reservation that somebody left behind holds its address for ten seconds, and
        # longer if the address has another record: nobody else gets it meanwhile
        self.dangling = {f.split()[1] for f in self.paper() - paper if f.startswith("res")}
        missing |= {f for f in paper - self.paper() if f.split()[1] not in self.dangling}
        records = self.records()
        missing |= {f"record {tap} {port}" for tap, port in self.model.items()
                    if records.get(tap) != port}
        leaked |= {f"record {tap} {port}" for tap, port in records.items()
                   if self.model.get(tap) != port}
        if self.agent_runs():
            told = json.loads((self.dir / "announced").read_text())
            missing |= {f"announced {item}" for item in announced.items() - told.items()}
            leaked |= {f"announced {item}" for item in told.items() - announced.items()}
        return missing, leaked

    def check(self):
        deadline = time.monotonic() + PATIENCE
        while True:
            missing, leaked = self.differences()
            if not missing and not leaked:
                return
            if not self.agent_runs() or time.monotonic() > deadline:
                self.counts["missing"] += len(missing)
                self.counts["leaked"] += len(leaked)
                raise Wrong("\n".join([f"missing: {m}" for m in sorted(missing)] +
                                      [f"leaked: {m}" for m in sorted(leaked)]))
            time.sleep(0.02)

    def accept(self, before, after):
        """The killed verb's ports are each as before, as they should become, or without
        what they have given to another of the guest's"""
        records = self.records()
        for tap in before.keys() | after.keys():
            record = records.get(tap)
            given = {d for other, port in after.items() if other != tap
                     for d in port["addresses"] + port["prefixes"]}
            if record not in (before.get(tap), after.get(tap),
                              without(before.get(tap), given)):
                self.counts["missing"] += 1
                raise Wrong(f"{tap} is on record as {record}\nbefore: {before.get(tap)}\n"
                            f"after: {after.get(tap)}")
            self.model = {**self.model, tap: record}
        self.model = {tap: port for tap, port in self.model.items() if port}

    def verb(self, after, program, *words, text=None, status=(0,)):
        """Calls a program that shall make @after of the model, or fail as it may"""
        before = self.model
        result = self.call(program, *words, text=text)
        if result == KILLED:
            self.reconcile()
            self.accept(before, after)
        elif result in status:
            self.model = after if result == 0 else before
        else:
            self.counts["missing"] += 1
            raise Wrong(f"{program} {words}: status {result}, not {status}: {self.said}")

    def reconcile(self):
        """One that nobody kills, after one that may be"""
        if self.call("l3vm", "reconcile") == KILLED or self.said:
            if self.call("l3vm", "reconcile", may_die=False):
                self.counts["missing"] += 1
                raise Wrong(f"reconcile: {self.said}")

    # operations

    def random_port(self, tap, taken):
        free = lambda pool: [a for a in pool if a not in taken]
        addresses = self.rng.sample(free(ADDRESSES), self.rng.randint(1, 3))
        prefixes = self.rng.sample(free(PREFIXES), self.rng.choice([0, 0, 1]))
        taken.update(addresses, prefixes)
        return {"guest": GUEST_OF[tap], "ifname": tap, "mac": MAC[tap],
                "network": self.rng.choice(["default", "default", "tenant", "lan"]),
                "addresses": addresses, "prefixes": prefixes, "state": "live", "was": None}

    def outcome(self, ports):
        """The statuses that an attach of them may end with"""
        wanted = {d for port in ports for d in port["addresses"] + port["prefixes"]}
        mine = {port["ifname"] for port in ports}
        if not all(link_exists(port["ifname"]) for port in ports):
            return (FAILED, REFUSED)
        if any(wanted & set(other["addresses"] + other["prefixes"])
               for tap, other in self.model.items() if tap not in mine):
            return (REFUSED,)
        if any(port["network"] != "lan" and
               os.path.exists(f"/sys/class/net/{port['ifname']}/master") for port in ports):
            return (REFUSED,)
        # who died just now may still be about to write his record
        return (0, REFUSED) if self.dangling & {host_route(d) for d in wanted} else (0,)

    def with_ports(self, ports):
        after = copy.deepcopy(self.model)
        after.update({port["ifname"]: port for port in ports})
        return after

    def attach(self):
        tap = self.rng.choice(["tap3", "tap4"])
        port = self.random_port(tap, set())
        words = ["attach", "--guest", port["guest"], "--ifname", tap, "--mac", MAC[tap],
                 "--network", port["network"]]
        if self.rng.random() < 0.3:
            port["state"] = "prepared"
            words.append("--prepared")
        if self.rng.random() < 0.3:
            self.write_guest_file(port)
        else:
            words += ["--address", ",".join(port["addresses"])]
            words += [w for p in port["prefixes"] for w in ("--prefix", p)]
        self.verb(self.with_ports([port]), "l3vm", *words, status=self.outcome([port]))
        self.forget_guest_file(port)

    def write_guest_file(self, port):
        prefixes = f"prefix = {' '.join(port['prefixes'])}\n" if port["prefixes"] else ""
        self.guest_file(port).write_text(f"[nic {port['mac']}]\n"
                                         f"address = {' '.join(port['addresses'])}\n"
                                         f"{prefixes}")

    def guest_file(self, port):
        return self.dir / "guests.d" / f"{port['guest']}.conf"

    def forget_guest_file(self, port):
        self.guest_file(port).unlink(missing_ok=True)

    def domain(self, ports):
        nics = "".join(
            f"<nic mac='{p['mac']}' network='{p['network']}'>" +
            "".join(f"<address>{a}</address>" for a in p["addresses"]) +
            "".join(f"<prefix>{a}</prefix>" for a in p["prefixes"]) + "</nic>"
            for p in ports)
        interfaces = "".join(
            f"<interface type='ethernet'><mac address='{p['mac']}'/>"
            f"<target dev='{p['ifname']}' managed='no'/></interface>" for p in ports)
        return (f"<domain type='kvm'><name>g1</name><uuid>{UUID['g1']}</uuid><metadata>"
                f"<guest xmlns='urn:l3vm:guest:1'>{nics}</guest></metadata>"
                f"<devices>{interfaces}</devices></domain>")

    def boot(self):
        """libvirt starts the guest with two NICs"""
        taken = set()
        ports = [self.random_port(tap, taken) for tap in GUESTS["g1"]]
        self.verb(self.with_ports(ports), "l3vm-libvirt-qemu", "g1", "start", "begin", "-",
                  text=self.domain(ports), status=self.outcome(ports))

    def stop(self):
        ports = [self.random_port(tap, set()) for tap in GUESTS["g1"]]
        after = {t: p for t, p in self.model.items() if p["guest"] != "g1"}
        self.verb(after, "l3vm-libvirt-qemu", "g1", "stopped", "end", "-",
                  text=self.domain(ports))

    def notify(self):
        guest, phase = self.rng.choice(list(GUESTS)), self.rng.choice(list(PHASES))
        after = copy.deepcopy(self.model)
        here = [tap for tap, port in after.items() if port["guest"] == guest]
        for tap in here:
            after[tap]["state"] = PHASES[phase].get(after[tap]["state"])
            if after[tap]["state"] is None:
                del after[tap]
        self.verb(after, "l3vm", "migrate-notify", guest, "--phase", phase,
                  status=(0,) if here else (0, NOT_FOUND))

    def detach(self):
        guest = self.rng.choice(list(GUESTS))
        after = {t: p for t, p in self.model.items() if p["guest"] != guest}
        self.verb(after, "l3vm", "detach", "--guest", guest)

    def tap_goes(self):
        tap = self.rng.choice(list(GUEST_OF))
        if link_exists(tap):
            run("ip", "link", "del", tap)
        self.model = {t: p for t, p in self.model.items() if t != tap}
        self.reconcile()

    def tap_comes(self):
        """Where there is one already, another takes its place"""
        tap = self.rng.choice(list(GUEST_OF))
        if link_exists(tap):
            run("ip", "link", "del", tap)
            self.model = {t: p for t, p in self.model.items() if t != tap}
        add_tap(tap)
        self.reconcile()

    def somebody_flushes(self):
        run("ip", "route", "flush", "proto", PROTOCOL, "table", "all")
        run("ip", "neigh", "flush", "nud", "permanent", "dev", "tap3") \
            if link_exists("tap3") else None
        self.reconcile()

    def agent_comes_or_goes(self):
        if self.agent_runs():
            self.kill_agent()
            self.reconcile()
        else:
            self.start_agent()

    def step(self):
        operations = [self.attach] * 6 + [self.boot] * 3 + [self.notify] * 6 + \
            [self.detach, self.stop, self.tap_goes, self.somebody_flushes] + \
            [self.tap_comes] * 3 + [self.agent_comes_or_goes] * 2
        operation = self.rng.choice(operations)
        self.last = operation.__name__
        self.counts["operations"] += 1
        operation()
        self.check()


def announcer(path):
    told = {}
    for line in sys.stdin:
        request = json.loads(line)
        if request["op"] == "hello":
            told = {}
        elif request["op"] == "announce":
            told[request["dst"]] = request["rank"]
        elif request["op"] == "withdraw":
            told.pop(request["dst"], None)
        with open(path + ".new", "w") as out:
            json.dump(told, out)
        os.rename(path + ".new", path)
        print(json.dumps({"seq": request["seq"], "ok": True}), flush=True)


def main():
    if sys.argv[1] == "announcer":
        return announcer(sys.argv[2])
    build, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    world = World(build, random.Random(seed))
    try:
        for _ in range(count):
            world.step()
    except Wrong as wrong:
        print(f"seed {seed}, operation {world.counts['operations']}, {world.last}:",
              *world.history[-8:], wrong, sep="\n", file=sys.stderr)
    world.kill_agent()
    print(" ".join(f"{key} {value}" for key, value in world.counts.items()))


if __name__ == "__main__":
    main()
