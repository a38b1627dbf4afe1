"""What the kernel counts: processor time, memory, datagrams. And a namespace to count alone in."""

import ctypes
import fcntl
import os
import platform
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time

# Set in the process that runs inside the namespaces.
INSIDE = "COMPARE_SERF_INSIDE"


def isolate():
    """Runs this program again in a network and a process namespace of its own, where one can be
    had: nobody else's datagrams are counted, no port is taken, and when this program ends, however
    it ends, the kernel ends all that it started. Returns whether that is where it runs."""
    if os.environ.get(INSIDE):
        bring_loopback_up()
        return True
    tool = shutil.which("unshare")
    options = ["--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    for more in ([], ["--map-root-user"]):
        if tool and subprocess.run([tool, *more, *options, "true"], capture_output=True).returncode == 0:
            environment = dict(os.environ, **{INSIDE: "1"})
            program = [sys.executable, os.path.abspath(sys.argv[0]), *sys.argv[1:]]
            os.execve(tool, [tool, *more, *options, *program], environment)
    return False


def bring_loopback_up():
    """A new network namespace starts with its loopback down."""
    siocgifflags, siocsifflags, iff_up = 0x8913, 0x8914, 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(any_socket, siocgifflags, request))[1]
        fcntl.ioctl(any_socket, siocsifflags, struct.pack("16sH14x", b"lo", flags | iff_up))


def describe():
    """The machine, in words."""
    name, kib = "unknown processor", 0
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    with open("/proc/meminfo") as file:
        kib = int(file.readline().split()[1])
    return (f"{os.cpu_count()} × {name}, {kib / 1048576:.0f} GiB, Linux {platform.release()}")


def processor_seconds(pid):
    """What a process has used, all threads together."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid):
    """Resident, proportional (shared pages divided among those that share them) and private memory
    of a process, in MiB."""
    found = {}
    with open(f"/proc/{pid}/smaps_rollup") as file:
        for line in file:
            words = line.split()
            found[words[0]] = int(words[1]) / 1024 if words[1].isdigit() else 0
    return {"rss_mib": found["Rss:"], "pss_mib": found["Pss:"],
            "private_mib": found["Private_Clean:"] + found["Private_Dirty:"]}


class BusyShare(threading.Thread):
    """The share of the machine's processors that is busy, second by second."""

    def __init__(self):
        super().__init__(daemon=True)
        self.samples = []
        self.stopping = threading.Event()

    @staticmethod
    def read():
        with open("/proc/stat") as file:
            fields = [int(word) for word in file.readline().split()[1:9]]
        return sum(fields), fields[3] + fields[4]

    def run(self):
        before = self.read()
        while not self.stopping.wait(1):
            now = self.read()
            total = now[0] - before[0]
            if total > 0:
                self.samples.append(1 - (now[1] - before[1]) / total)
            before = now

    def recent(self, seconds=10):
        last = self.samples[-seconds:]
        return sum(last) / len(last) if last else 0.0

    def finish(self):
        self.stopping.set()
        self.join()
        tens = [sum(self.samples[i:i + 10]) / 10 for i in range(0, len(self.samples) - 9, 10)]
        return {"mean": self.recent(len(self.samples)), "lowest_10_seconds": min(tens, default=0.0)}


class Wire(threading.Thread):
    """Counts the packets on the loopback interface, by a packet socket: one that asks for one
    protocol sees them coming in, each once."""

    def __init__(self):
        super().__init__(daemon=True)
        self.stopping = threading.Event()
        self.counts = {"udp_packets": 0, "udp_payload_bytes": 0, "tcp_packets": 0, "tcp_ip_bytes": 0}
        self.largest = 0
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.ntohs(0x0800))
        self.socket.bind(("lo", 0x0800))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.settimeout(0.2)

    def run(self):
        counts = self.counts
        while not self.stopping.is_set():
            try:
                packet = self.socket.recv(256, socket.MSG_TRUNC)
            except TimeoutError:
                continue
            if len(packet) < 28:
                continue
            length = struct.unpack_from("!H", packet, 2)[0]
            if packet[9] == socket.IPPROTO_UDP:
                header = 4 * (packet[0] & 15) + 8
                counts["udp_packets"] += 1
                counts["udp_payload_bytes"] += length - header
                self.largest = max(self.largest, length - header)
            elif packet[9] == socket.IPPROTO_TCP:
                counts["tcp_packets"] += 1
                counts["tcp_ip_bytes"] += length

    def finish(self):
        self.stopping.set()
        self.join()
        self.socket.close()
        return self.counts


def idle(pids, seconds):
    """What processes use while nobody asks anything of them; means over them, and the extremes of
    processor time."""
    try:
        wire = Wire()
        wire.start()
    except PermissionError:
        wire = None
    begin, before = time.monotonic(), {pid: processor_seconds(pid) for pid in pids}
    time.sleep(seconds)
    after, elapsed = {pid: processor_seconds(pid) for pid in pids}, time.monotonic() - begin
    each = sorted(1000 * (after[pid] - before[pid]) / elapsed for pid in pids)
    result = {"seconds": elapsed, "processor_ms_per_second": sum(each) / len(each),
              "processor_ms_per_second_least": each[0], "processor_ms_per_second_most": each[-1]}
    if wire:
        counts = wire.finish()
        result.update({f"{name}_per_second": count / elapsed / len(pids)
                       for name, count in counts.items()})
        result["largest_datagram_bytes"] = wire.largest
    memories = [memory(pid) for pid in pids]
    for name in memories[0]:
        result[name] = sum(m[name] for m in memories) / len(memories)
    result["threads"] = sum(len(os.listdir(f"/proc/{pid}/task")) for pid in pids) / len(pids)
    result["descriptors"] = sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids) / len(pids)
    return result


def die_with_parent():
    """For a child before it runs: it is killed when this program is, where there is no namespace
    to see to it."""
    pr_set_pdeathsig, sigkill = 1, 9
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, sigkill)
