"""The two systems that are compared: how each is started, killed, and asked what it believes."""

import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from . import machine


class Trouble(Exception):
    """The comparison cannot go on."""


def free_ports(count, base=22_000):
    """Ports that nothing uses now, for streams and datagrams both."""
    found, port = [], base
    while len(found) < count and port < 32_000:
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as probe:
                    probe.bind(("127.0.0.1", port))
            found.append(port)
        except OSError:
            pass
        port += 1
    if len(found) < count:
        raise Trouble(f"there are not {count} free ports")
    return found


class Logs:
    """Follows the log of every node and notes, by this program's clock, who said what when."""

    def __init__(self, paths, patterns):
        self.paths, self.patterns = paths, patterns
        self.offsets, self.rests = [0] * len(paths), [b""] * len(paths)
        self.events = []
        self.lock = threading.Lock()

    def poll(self):
        with self.lock:
            now = time.monotonic()
            for node, path in enumerate(self.paths):
                try:
                    if os.stat(path).st_size == self.offsets[node]:
                        continue
                    with open(path, "rb") as file:
                        file.seek(self.offsets[node])
                        text = self.rests[node] + file.read()
                        self.offsets[node] = file.tell()
                except OSError:
                    continue
                *lines, self.rests[node] = text.split(b"\n")
                for line in lines:
                    for what, pattern in self.patterns.items():
                        match = pattern.search(line)
                        if match:
                            self.events.append((now, node, what, match[1].decode()))

    def since(self, time_, what):
        self.poll()
        return [event for event in self.events if event[0] >= time_ and event[2] == what]


class System:
    """Some nodes of one kind, numbered from 0. `names` and `pids` go by number."""

    def __init__(self, count, place, say):
        self.count, self.place, self.say = count, place, say
        self.names, self.pids, self.logs = [], [], None
        os.makedirs(place)

    def live(self, beside=()):
        return [node for node in range(self.count) if node not in beside]

    def states(self, nodes):
        """What each of these nodes believes of each name; None for one that does not answer."""
        def one(node):
            try:
                return self.state(node)
            except (OSError, ValueError, subprocess.SubprocessError):
                return None
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(one, nodes))

    def wait_until_all_alive(self, nodes, seconds):
        deadline = time.monotonic() + seconds
        while True:
            wrong = [node for node, states in zip(nodes, self.states(nodes))
                     if not states or sum(s == "alive" for s in states.values()) != len(nodes)]
            if not wrong:
                return
            if time.monotonic() > deadline:
                raise Trouble(f"{self.name}: {len(wrong)} of {len(nodes)} nodes do not see all the "
                              f"others alive after {seconds} s, {self.names[wrong[0]]} among them")
            time.sleep(1)

    def kill_and_watch(self, victim, seconds, dead=()):
        """Kills a node as a power cut would and waits until every other has said that it is dead.
        Returns the seconds that each took, in order, and how many member lists agree at the end."""
        others = self.live({victim, *dead})
        self.logs.poll()
        begin = time.monotonic()
        os.kill(self.pids[victim], signal.SIGKILL)
        told = {}
        while time.monotonic() - begin < seconds and len(told) < len(others):
            time.sleep(0.05)
            for at, node, _, name in self.logs.since(begin, "died"):
                if name == self.names[victim] and node in others:
                    told.setdefault(node, at - begin)
        states = self.states(others)
        agreeing = sum(bool(s) and s.get(self.names[victim]) in (None, "dead") for s in states)
        return {"killed": self.names[victim], "others": len(others), "told": len(told),
                "member_lists_agree": agreeing, "seconds": sorted(told.values())}

    def false_deaths(self, since, expected=()):
        """Deaths in the logs of members that were not killed."""
        return [(self.names[node], name) for _, node, _, name in self.logs.since(since, "died")
                if name not in expected]

    def suspicions(self, since, expected=()):
        """How often a member that was not killed was suspected."""
        return sum(name not in expected for *_, name in self.logs.since(since, "suspected"))


class Serf(System):
    """Agents of serf with the profile for local networks, each joining the first."""

    name = "serf"

    def start(self):
        self.processes = []
        ports = free_ports(2 * self.count)
        self.rpc = [f"127.0.0.1:{port}" for port in ports[1::2]]
        for node in range(self.count):
            self.names.append(f"n{node + 1}")
            path = f"{self.place}/{self.names[node]}.log"
            command = ["serf", "agent", "-profile", "lan", "-node", self.names[node], "-bind",
                       f"127.0.0.1:{ports[2 * node]}", "-rpc-addr", self.rpc[node]]
            if node:
                command += ["-retry-join", f"127.0.0.1:{ports[0]}", "-retry-interval", "1s"]
            with open(path, "ab") as log:
                process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                           stderr=log, preexec_fn=machine.die_with_parent)
            self.processes.append(process)
            self.pids.append(process.pid)
            if node == 0:
                time.sleep(1)
        self.logs = Logs([f"{self.place}/{name}.log" for name in self.names], {
            "died": re.compile(rb"serf: EventMemberFailed: (\S+)"),
            "suspected": re.compile(rb"memberlist: Suspect (\S+) has failed")})
        self.wait_until_all_alive(self.live(), 60)

    def state(self, node):
        output = subprocess.run(
            ["serf", "members", "-format", "json", "-rpc-addr", self.rpc[node]], check=True,
            capture_output=True, text=True, timeout=30).stdout
        names = {"failed": "dead"}
        return {member["name"]: names.get(member["status"], member["status"])
                for member in json.loads(output)["members"]}

    def stop(self):
        for process in getattr(self, "processes", []):
            process.kill()
        for process in getattr(self, "processes", []):
            process.wait()


class Shoal(System):
    """A testnet of shoal nodes; the last `holders` of them hold a model."""

    name = "shoal"

    def __init__(self, count, place, say, program, model=None, holders=0, options=()):
        super().__init__(count, place, say)
        self.program, self.net = program, f"{place}/net"
        self.model, self.holders, self.options = model, holders, list(options)

    def start(self):
        command = [self.program, "testnet", "up", "--nodes", str(self.count), "--dir", self.net,
                   "--json", *self.options]
        if self.holders:
            for node in range(self.count - self.holders, self.count):
                command += ["--model", f"node-{node + 1}:{self.model}"]
        else:
            command += ["--no-models"]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode:
            raise Trouble(f"shoal testnet up: {run.stderr.strip()}")
        nodes = json.loads(run.stdout)["nodes"]
        self.names = [node["name"] for node in nodes]
        self.pids = [node["pid"] for node in nodes]
        self.http = [node["http"] for node in nodes]
        self.logs = Logs([node["log"] for node in nodes], {
            "died": re.compile(rb"name=(\S+) .*member died"),
            "suspected": re.compile(rb"name=(\S+) .*member suspected")})
        self.wait_until_all_alive(self.live(), 60)

    def state(self, node):
        with urllib.request.urlopen(self.http[node] + "/shoal/v1/status", timeout=30) as answer:
            return {member["name"]: member["state"] for member in json.load(answer)["members"]}

    def counters(self, nodes):
        """The sums of what the nodes count."""
        sums = {}
        for node in nodes:
            with urllib.request.urlopen(self.http[node] + "/shoal/v1/status", timeout=30) as answer:
                for name, value in json.load(answer)["counters"].items():
                    sums[name] = sums.get(name, 0) + value
        return sums

    def stop(self):
        subprocess.run([self.program, "testnet", "down", "--dir", self.net], capture_output=True)
