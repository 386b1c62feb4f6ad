"""The load client: one process, one selector, plain sockets, buffers that are built once and never copied.

It runs outside the service but on the same cores, so it must cost next to nothing: a request is one `sendmsg` of
prepared parts; of an answer it reads only the status line, three headers and, if it is good, the JSON. Run by
`benchmarks.load.run` as `python -m benchmarks.load.client PLAN.json RESULT.json`.
"""

from __future__ import annotations

import gc
import heapq
import resource
import selectors
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load.answer import Answer, Outcome, judge, parse_answer
from benchmarks.load.plan import Plan, Stream
from benchmarks.load.record import Record, Run
from benchmarks.load.uploads import Uploads

IDLE_S = 1.0
"""The client closes a connection after this idle time, well before servers do (2 to 5 s), to avoid races."""
BACK_OFF_S = 1.0
"""Pause (seconds) of a refused client in a closed loop without a Retry-After from the server."""
RESET_PAUSE_S = 0.1
"""Pause (seconds) of a closed-loop client after a reset, so that it does not spin on a dead server."""


@dataclass(slots=True)
class Request:
    """One request in progress. Times are seconds after the run's start; latency counts from `scheduled`."""

    stream: Stream
    scheduled: float
    digest: str
    parts: list[memoryview]
    sent: float = 0.0
    done: float = 0.0
    status: int = 0
    retry_after: bool = False
    early: bool = False
    cut_off: bool = False
    attempts: int = 0
    outcome: Outcome | None = None
    connection: Connection | None = None

    def record(self) -> Record:
        """The record of this request for the results."""
        return Record(
            stream=self.stream.name,
            outcome=self.outcome or Outcome.TIMEOUT,
            scheduled=self.scheduled,
            sent=self.sent,
            done=self.done,
            status=self.status,
            retry_after=self.retry_after,
            early=self.early,
            cut_off=self.cut_off,
            sha256=self.digest,
        )


class Connection:
    """One socket: sends the parts of a request, and detects the answer even while it still sends."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.socket = socket.socket(client.family, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if client.plan.send_buffer_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, client.plan.send_buffer_bytes)
        self.request: Request | None = None
        self.idle_since = 0.0
        self._unsent: list[memoryview] = []
        self._received = bytearray()
        self._closed_by_answer = False
        self._watching = selectors.EVENT_READ
        self.socket.connect_ex(client.address)
        client.selector.register(self.socket, self._watching, self)

    def begin(self, request: Request) -> None:
        """Send a request; the connection must be idle."""
        self.request, request.connection = request, self
        self._unsent = list(request.parts)
        self._received.clear()
        self.write()

    def write(self) -> None:
        """Send as much as the socket accepts."""
        try:
            while self._unsent:
                self._sent(self.socket.sendmsg(self._unsent))
        except BlockingIOError:
            pass
        except OSError:
            self._lost()
            return
        self._watch()
        if not self._unsent and self.request is None:
            self._client.release(self)

    def _sent(self, count: int) -> None:
        while self._unsent and count >= len(self._unsent[0]):
            count -= len(self._unsent.pop(0))
        if count:
            self._unsent[0] = self._unsent[0][count:]

    def _watch(self) -> None:
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._unsent else 0)
        if wanted != self._watching:
            self._watching = wanted
            self._client.selector.modify(self.socket, wanted, self)

    def read(self) -> None:
        """Read what has arrived."""
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            self._lost()
            return
        self._received += data
        if self.request is None:
            if not data:
                self._lost()
            return
        try:
            answer = parse_answer(self._received, closed=not data)
        except ValueError:
            answer = Answer(0, b"", None, keep_alive=False)
        if answer is not None:
            self._answered(self.request, answer)
        elif not data:
            self._lost()

    def _answered(self, request: Request, answer: Answer) -> None:
        request.early = bool(self._unsent)
        self.request, request.connection = None, None
        self._received.clear()
        if not answer.keep_alive:
            self.close()
        elif not self._unsent:
            self._client.release(self)
        else:
            self._client.sending_on[self] = request
        self._client.answered(request, answer)

    def _lost(self) -> None:
        """Handle a closed connection. An answer received before still counts."""
        request = self.request
        if request is not None and self._unsent:
            with suppress(OSError, ValueError):
                answer = parse_answer(self._received + self.socket.recv(65536), closed=True)
                if answer is not None:
                    request.cut_off = True
                    self._answered(request, answer)
                    self.close()
                    return
        answered = self._client.sending_on.get(self)
        if answered is not None and self._unsent:
            answered.cut_off = True
        self.close()
        if request is not None:
            self._client.finish(request, Outcome.RESET)

    def close(self) -> None:
        """Close the socket; further calls do nothing."""
        if self.socket.fileno() >= 0:
            self._client.selector.unregister(self.socket)
            self.socket.close()
        self._client.forget(self)
        self.request, self._unsent = None, []


class Client:
    """Runs a plan: arrivals on time, a pool of connections, timers, one record for each request."""

    def __init__(self, plan: Plan, photos: list[bytes]) -> None:
        self.plan = plan
        self.selector = selectors.DefaultSelector()
        found = socket.getaddrinfo(plan.host, plan.port, type=socket.SOCK_STREAM)[0]
        self.family, self.address = found[0], found[4]
        self.records: list[Request] = []
        self.sending_on: dict[Connection, Request] = {}
        self._uploads = Uploads(photos, plan.seed)
        self._idle: list[Connection] = []
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._order = 0
        self._active = 0
        self._awaited = 0
        self._begun: dict[str, int] = {}
        self._origin = 0.0

    def now(self) -> float:
        """Seconds since the run's start."""
        return time.monotonic() - self._origin

    def at(self, when: float, act: Callable[[], None]) -> None:
        """Call `act` at this time after the run's start, if the run still goes on."""
        self._order += 1
        heapq.heappush(self._timers, (when, self._order, act))

    def _due(self, when: float, begin: Callable[[Stream], None], stream: Stream) -> None:
        """Schedule the start of a stream's request; the run does not end before it."""
        self._awaited += 1

        def act() -> None:
            self._awaited -= 1
            begin(stream)

        self.at(when, act)

    def run(self, origin: float) -> None:
        """Run until all streams are over and every request has ended. `origin` is on `time.monotonic`."""
        self._origin = origin
        for stream in self.plan.streams:
            if stream.rate:
                self._due(stream.start_s, self._arrive, stream)
            for _ in range(stream.clients):
                self._due(stream.start_s, self._next, stream)
        self.at(IDLE_S, self._prune)
        try:
            self._loop()
        finally:
            self._close()

    def _loop(self) -> None:
        while self._active or self._awaited:
            wait = self._timers[0][0] - self.now()
            for key, events in self.selector.select(max(0.0, wait)):
                connection: Connection = key.data
                if events & selectors.EVENT_READ:
                    connection.read()
                if events & selectors.EVENT_WRITE and connection.socket.fileno() >= 0:
                    connection.write()
            self._fire()

    def _close(self) -> None:
        for key in list(self.selector.get_map().values()):
            key.data.close()
        self.selector.close()

    def _fire(self) -> None:
        while self._timers and self._timers[0][0] <= self.now():
            heapq.heappop(self._timers)[2]()

    def _number(self, stream: Stream) -> int:
        number = self._begun.get(stream.name, 0)
        self._begun[stream.name] = number + 1
        return number

    def _arrive(self, stream: Stream) -> None:
        number = self._number(stream)
        due = stream.scheduled(number)
        if stream.ended(number, due):
            return
        self._due(stream.scheduled(number + 1), self._arrive, stream)
        self._start(stream, due)

    def _next(self, stream: Stream) -> None:
        now = self.now()
        if stream.ended(self._begun.get(stream.name, 0), now):
            return
        self._number(stream)
        self._start(stream, now)

    def _start(self, stream: Stream, due: float) -> None:
        digest, parts = self._uploads.next(self.plan, stream)
        request = Request(stream, due, digest, parts)
        self.records.append(request)
        self._active += 1
        if stream.leave_after_s:
            self.at(due + stream.leave_after_s, lambda: self._give_up(request, Outcome.LEFT))
        else:
            self.at(due + stream.timeout_s, lambda: self._give_up(request, Outcome.TIMEOUT))
        self._send(request)

    def _send(self, request: Request) -> None:
        if request.outcome is not None:
            return
        request.attempts += 1
        if request.attempts == 1:
            request.sent = self.now()
        try:
            connection = self._idle.pop() if self._idle else Connection(self)
        except OSError:
            self.finish(request, Outcome.RESET)
            return
        connection.begin(request)

    def _give_up(self, request: Request, outcome: Outcome) -> None:
        if request.outcome is None:
            if request.connection is not None:
                request.connection.close()
            self.finish(request, outcome)

    def answered(self, request: Request, answer: Answer) -> None:
        """Handle a complete answer."""
        request.status = answer.status
        request.retry_after = answer.retry_after is not None
        outcome = judge(answer, request.digest)
        wait = _seconds(answer.retry_after)
        if outcome is Outcome.REFUSED and request.stream.retry:
            self.at(self.now() + wait, lambda: self._send(request))
            return
        self.finish(request, outcome, pause_s=wait if outcome is Outcome.REFUSED else 0.0)

    def finish(self, request: Request, outcome: Outcome, pause_s: float = 0.0) -> None:
        """Record a request's outcome, once; a closed loop continues with its next request."""
        if request.outcome is not None:
            return
        request.outcome, request.done = outcome, self.now()
        request.parts = []
        request.connection = None
        self._active -= 1
        if request.stream.clients:
            pause_s = pause_s or (RESET_PAUSE_S if outcome is Outcome.RESET else 0.0)
            self._due(request.done + pause_s, self._next, request.stream)

    def release(self, connection: Connection) -> None:
        """Return a connection without open work to the pool for the next request."""
        self.sending_on.pop(connection, None)
        connection.idle_since = self.now()
        self._idle.append(connection)

    def forget(self, connection: Connection) -> None:
        """Remove a closed connection."""
        self.sending_on.pop(connection, None)
        if connection in self._idle:
            self._idle.remove(connection)

    def _prune(self) -> None:
        now = self.now()
        for connection in [one for one in self._idle if now - one.idle_since > IDLE_S]:
            connection.close()
        self.at(now + IDLE_S / 4, self._prune)


def _seconds(retry_after: str | None) -> float:
    try:
        return max(0.0, float(retry_after)) if retry_after is not None else BACK_OFF_S
    except ValueError:
        return BACK_OFF_S


def main(plan_path: str, result_path: str) -> None:
    """Print `ready`, read the start time from standard input, run the plan, write the results."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard > 0 else soft, hard))
    plan = Plan.read(Path(plan_path))
    client = Client(plan, [Path(photo).read_bytes() for photo in plan.photos])
    gc.collect()
    gc.freeze()
    print("ready", flush=True)
    origin = float(sys.stdin.readline())
    cpu = time.process_time()
    client.run(origin)
    records = [request.record() for request in client.records]
    Run(origin, time.monotonic() - origin, time.process_time() - cpu, records).write(Path(result_path))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
