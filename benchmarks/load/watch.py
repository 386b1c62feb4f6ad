"""Samples a server under load: liveness, memory, and the real work of the device."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import psutil

from benchmarks.load.result import Summary, Window

PERIOD_S = 0.25
TIMEOUT_S = 5.0
SETTLED_S = 1.5
"""A device that starts nothing for so long (seconds), longer than its longest batch, has no more work."""


@dataclass(frozen=True, slots=True)
class DeviceCount:
    """Work of a device since it started: seconds busy, batches and items begun."""

    busy_s: float
    batches: int
    items: int

    def since(self, earlier: DeviceCount) -> DeviceCount:
        """The work after an earlier count."""
        return DeviceCount(self.busy_s - earlier.busy_s, self.batches - earlier.batches, self.items - earlier.items)


class DeviceProbe(Protocol):
    """Reads the work of the device."""

    def read(self) -> DeviceCount | None:
        """The current count; None if the server does not report it."""
        ...


class StatsProbe:
    """Reads `device.busy_s`, `batches.count` and `batches.items` from `/v1/stats`."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port

    def read(self) -> DeviceCount | None:
        """The current count; None if the server does not answer or does not report these values."""
        try:
            stats = json.loads(fetch(self._host, self._port, "/v1/stats"))
            batches = stats["batches"]
            return DeviceCount(float(stats["device"]["busy_s"]), int(batches["count"]), int(batches["items"]))
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
            return None


class LogProbe:
    """Reads the log of a reference device: a line `start end items digests` for each batch, on the monotonic clock."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> DeviceCount | None:
        """The current count; a running batch counts up to now."""
        now = time.monotonic()
        rows = self.batches()
        busy = sum(max(0.0, min(end, now) - start) for start, end, _ in rows)
        return DeviceCount(busy, len(rows), sum(len(digests) for _, _, digests in rows))

    def batches(self) -> list[tuple[float, float, tuple[str, ...]]]:
        """Start, end and the uploads' SHA-256 of every batch begun so far."""
        if not self._path.exists():
            return []
        lines = [line.split() for line in self._path.read_text("ascii").splitlines()]
        return [(float(start), float(end), tuple(digests)) for start, end, *digests in lines]


@dataclass(frozen=True, slots=True)
class Watched:
    """Samples of one run; None: the server does not report the value.

    Memory (megabytes, with child processes) when the run and when the window began, at its highest, and at the end.
    `busy_share` and `mean_batch` are the device's inside the window; `items_in_all` is its total for the whole run.
    """

    live: Summary | None
    live_failures: int
    memory_first_mb: float | None
    memory_warm_mb: float | None
    memory_max_mb: float | None
    memory_last_mb: float | None
    busy_share: float | None
    mean_batch: float | None
    items_in_all: int | None


@dataclass
class Watcher:
    """Samples a server in a separate thread, from `start` until `finish`."""

    host: str
    port: int
    probe: DeviceProbe
    window: Window
    pid: int | None = None
    live_path: str = "/livez"
    _live: list[float] = field(default_factory=list)
    _failures: int = 0
    _origin: float = 0.0
    _memory: list[tuple[float, float]] = field(default_factory=list)
    _counts: list[tuple[float, DeviceCount]] = field(default_factory=list)
    _first: DeviceCount | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self, origin: float) -> None:
        """Start to sample; the run starts at `origin` on the monotonic clock."""
        self._origin = origin
        self._first = self.probe.read()
        self._threads = [
            threading.Thread(target=self._every, args=(PERIOD_S, self._look), name="watch-server"),
            threading.Thread(target=self._at_window, args=(origin,), name="watch-device"),
        ]
        for thread in self._threads:
            thread.start()

    def finish(self) -> Watched:
        """Stop, wait until the device has no more work, and return the samples."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        last = settled(self.probe)
        inside = None
        if len(self._counts) == 2:
            (begin_s, begin), (end_s, end) = self._counts
            inside, length_s = end.since(begin), end_s - begin_s
        memory = [mb for _, mb in self._memory]
        return Watched(
            live=Summary.of(self._live),
            live_failures=self._failures,
            memory_first_mb=memory[0] if memory else None,
            memory_warm_mb=next((mb for at, mb in self._memory if at >= self.window.start_s), None),
            memory_max_mb=max(memory, default=None),
            memory_last_mb=memory[-1] if memory else None,
            busy_share=inside.busy_s / length_s if inside else None,
            mean_batch=inside.items / inside.batches if inside and inside.batches else None,
            items_in_all=last.since(self._first).items if last and self._first else None,
        )

    def _every(self, period_s: float, act: Callable[[], None]) -> None:
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            act()
            due = max(due + period_s, time.monotonic())

    def _look(self) -> None:
        began = time.monotonic()
        try:
            fetch(self.host, self.port, self.live_path)
            self._live.append(time.monotonic() - began)
        except (OSError, http.client.HTTPException):
            self._failures += 1
        if self.pid is not None and (memory := memory_mb(self.pid)) is not None:
            self._memory.append((time.monotonic() - self._origin, memory))

    def _at_window(self, origin: float) -> None:
        for moment in (self.window.start_s, self.window.end_s):
            self._stop.wait(max(0.0, origin + moment - time.monotonic()))
            count = self.probe.read()
            if count is not None:
                self._counts.append((time.monotonic(), count))


def settled(probe: DeviceProbe, patience_s: float = 15.0) -> DeviceCount | None:
    """The count once the device starts nothing more, or after `patience_s` seconds."""
    until = time.monotonic() + patience_s
    count = probe.read()
    still_since = time.monotonic()
    while count is not None and time.monotonic() < until and time.monotonic() - still_since < SETTLED_S:
        time.sleep(PERIOD_S)
        newer = probe.read()
        if newer is not None and newer.items != count.items:
            still_since = time.monotonic()
        count = newer or count
    return count


def fetch(host: str, port: int, path: str) -> bytes:
    """GET a path. Raises OSError or HTTPException, also for any status but 200."""
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        if answer.status != 200:
            raise http.client.HTTPException(f"{path} answered {answer.status}")
        return answer.read()
    finally:
        connection.close()


def memory_mb(pid: int) -> float | None:
    """Resident memory of a process and its children, in megabytes; None once it is gone."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return None
    total = 0
    for member in family:
        try:
            total += member.memory_info().rss
        except psutil.Error:
            continue
    return total / 1e6


def listening_pid(port: int) -> int | None:
    """The process on this machine that listens on a port; None if this user cannot see it."""
    try:
        found = psutil.net_connections(kind="tcp")
    except psutil.Error:
        return None
    listening = [one for one in found if one.status == psutil.CONN_LISTEN and one.laddr]
    pids = [one.pid for one in listening if getattr(one.laddr, "port", None) == port and one.pid]
    return min(pids, default=None)
