"""Holds many paced streams open and notes when each event came: a process of its own.

    python -m bench.paced_load PORT PID STREAMS GAP_MS RAMP_S     prints one line of JSON

PID is the server, whose CPU and memory are read while all streams run. The load polls without
ever sleeping: its clock reading is never late by a wake-up, and the server never pays for one.
With `--share-core` it sleeps, for what else runs on its core. With `--rounds` a connection asks
for its next stream when it has the last. Nothing is computed while events come in: a time and a
count for each read, and the analysis afterwards.
"""

import argparse
import gc
import json
import os
import select
import socket
from array import array
from time import monotonic_ns, sleep

from bench import material
from bench.http import request_bytes
from bench.processes import cpu_seconds, resident_bytes
from bench.servers import HOST

_LATE_S = 30.0
_END = b"\n\n"
_LAST_CHUNK = b"\r\n\r\n"  # an event's own chunk ends in LF LF CR LF


def _connect(port: int, streams: int) -> list[socket.socket]:
    connections = []
    for _ in range(streams):
        connection = socket.create_connection((HOST, port), timeout=30)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        connections.append(connection)
    return connections


class Load:
    """The streams, what was sent and what came."""

    def __init__(self, port: int, path: str, streams: int, ramp_s: float, rounds: int) -> None:
        self.streams = streams
        self.rounds = rounds
        self._ramp_ns = int(ramp_s * 1e9)
        self._connections = _connect(port, streams)
        self._requests = [
            request_bytes("POST", path, material.request_body(k % material.REQUESTS))
            for k in range(streams * rounds)
        ]
        self._poll = select.epoll()
        self._slots: dict[int, int] = {}
        for slot, connection in enumerate(self._connections):
            self._slots[connection.fileno()] = slot
            self._poll.register(connection.fileno(), select.EPOLLIN)
        # Those of round 2 follow all of round 1.
        self.sent_ns = array("q", bytes(8 * streams * rounds))
        # One entry a read: the stream, how many events it ended, and when it was there.
        self.slots = array("i")
        self.ended = array("i")
        self.at_ns = array("q")
        self.idle_ns = 0

    def _send_due(self, start_ns: int, sent: int) -> int:
        """Send every request whose time has come; how many are sent now."""
        while sent < self.streams:
            if monotonic_ns() < start_ns + self._ramp_ns * sent // self.streams:
                break
            self._send(sent)
            sent += 1
        return sent

    def _send(self, number: int) -> None:
        self.sent_ns[number] = monotonic_ns()
        self._connections[number % self.streams].send(self._requests[number])

    def run(self, expected_s: float, *, share_core: bool) -> None:
        """Send the requests over the ramp and read until every stream has ended."""
        connections, slots = self._connections, self._slots
        streams = list(range(self.streams))  # the one that each connection is at
        events = array("i", bytes(4 * self.streams))
        last = bytearray(self.streams)
        unfinished = self.streams * self.rounds
        start_ns = monotonic_ns() + 50_000_000
        give_up_ns = start_ns + int((expected_s + _LATE_S) * 1e9)
        sent = 0
        while unfinished and (before := monotonic_ns()) < give_up_ns:
            if sent < self.streams:
                sent = self._send_due(start_ns, sent)
            ready = self._poll.poll(0.001 if share_core else 0)
            if not ready:
                self.idle_ns += monotonic_ns() - before
            for descriptor, _ in ready:
                slot = slots[descriptor]
                data = connections[slot].recv(65536)
                at = monotonic_ns()
                if not data:
                    self._poll.unregister(descriptor)
                    unfinished -= self.rounds - streams[slot] // self.streams
                    continue
                # A blank line may be cut between two reads.
                ended = data.count(_END) + (data[0] == 10 and last[slot] == 10)
                last[slot] = data[-1]
                if ended:
                    self.slots.append(streams[slot])
                    self.ended.append(ended)
                    self.at_ns.append(at)
                    events[slot] += ended
                # A head may end as the last chunk does.
                if data.endswith(_LAST_CHUNK) and events[slot] == material.EVENTS:
                    events[slot] = 0
                    unfinished -= 1
                    streams[slot] += self.streams
                    if streams[slot] < len(self._requests):
                        self._send(streams[slot])

    def close(self) -> None:
        for connection in self._connections:
            connection.close()

    def lateness_us(self, gap_ms: int) -> list[float]:
        """Of every event that came, sorted; negative where it came too early."""
        due = [offset * 1000 for offset in material.due_us(gap_ms)]
        seen = array("i", bytes(4 * len(self.sent_ns)))
        late: list[float] = []
        for slot, ended, at in zip(self.slots, self.ended, self.at_ns, strict=True):
            since = at - self.sent_ns[slot]
            came = range(seen[slot], seen[slot] + ended)
            late += [(since - due[number]) / 1000 for number in came]
            seen[slot] += ended
        late.sort()
        return late


def _watch(pid: int, from_s: float, until_s: float) -> int:
    """Fork a child that reads the server's CPU and memory while all streams run; its pipe."""
    reader, writer = os.pipe()
    if os.fork():
        os.close(writer)
        return reader
    sleep(from_s)
    before, began = cpu_seconds(pid), monotonic_ns()
    sleep((until_s - from_s) / 2)
    resident = resident_bytes(pid)
    sleep((until_s - from_s) / 2)
    share = (cpu_seconds(pid) - before) / ((monotonic_ns() - began) / 1e9)
    os.write(writer, json.dumps({"server_cpu": share, "resident": resident}).encode())
    os._exit(0)


def _quantile(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))]


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("port", "pid", "streams", "gap_ms"):
        parser.add_argument(name, type=int)
    parser.add_argument("ramp_s", type=float)
    parser.add_argument("--path", default=material.PATH)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--share-core", action="store_true")
    asked = parser.parse_args()
    length_s = asked.rounds * (material.EVENTS - 1) * asked.gap_ms / 1000
    idle = resident_bytes(asked.pid)
    load = Load(asked.port, asked.path, asked.streams, asked.ramp_s, asked.rounds)
    watch = _watch(asked.pid, 0.05 + asked.ramp_s, length_s)
    gc.disable()
    began = monotonic_ns()
    load.run(length_s + asked.ramp_s, share_core=asked.share_core)
    busy = 1 - load.idle_ns / (monotonic_ns() - began)
    gc.enable()
    steady = json.loads(os.read(watch, 1000))
    os.wait()
    late = load.lateness_us(asked.gap_ms)
    load.close()
    figures = {
        "events": len(late),
        "early_us": late[0],
        "p50_us": _quantile(late, 0.50),
        "p99_us": _quantile(late, 0.99),
        "max_us": late[-1],
        "server_cpu": steady["server_cpu"],
        "bytes_a_stream": (steady["resident"] - idle) / asked.streams,
        "resident": steady["resident"],
        "load_busy": busy,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
