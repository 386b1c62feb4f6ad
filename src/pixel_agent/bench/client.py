"""The load client: one process, one selector, plain sockets, buffers that are built once and never copied.

It stands outside the service and shares its cores, so it must cost next to nothing: a request is one `sendmsg` of
ready-made parts, each upload gets its own bytes (a JPEG comment of 24 bytes just before the end marker) whose SHA-256
takes microseconds, and of an answer only the status line, three headers and, where it is good, the JSON are read.
Run by `pixel_agent.bench.load` as `python client.py PLAN.json`; standard library only, so that it starts at once.
"""

from __future__ import annotations

import gc
import hashlib
import heapq
import json
import re
import resource
import selectors
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

BOUNDARY = b"pixel-agent-load-0f2e5a"
IDLE_S = 1.0
"""A pooled connection that was idle for longer is closed by us, well before servers do (2 to 5 s): no races."""
BACK_OFF_S = 1.0
"""How long a refused client of a closed loop waits where the server does not say."""
RESET_PAUSE_S = 0.1
"""How long a client of a closed loop waits after a reset; a dead server must not make it spin."""
DIGEST = re.compile(r"\b[0-9a-f]{64}\b")


class Outcome(StrEnum):
    """How one request ended."""

    GOOD = "good"
    UNVERIFIED = "unverified"
    WRONG = "wrong"
    REFUSED = "refused"
    OTHER = "other"
    TIMEOUT = "timeout"
    RESET = "reset"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Stream:
    """One kind of traffic. `rate` (a second) makes it an open loop, `clients` a closed one.

    It begins `start_s` after the run's start and lasts `duration_s` (seconds), or until `count` requests were begun.
    `leave_after_s`: the client hangs up after so long. `retry`: a refused request comes back after `Retry-After`.
    """

    name: str
    path: str = "/scan"
    file_field: str = "file"
    fields: dict[str, str] = field(default_factory=dict)
    rate: float = 0.0
    clients: int = 0
    start_s: float = 0.0
    duration_s: float = 0.0
    count: int = 0
    timeout_s: float = 5.0
    leave_after_s: float = 0.0
    retry: bool = False

    def scheduled(self, number: int) -> float:
        """When the numbered arrival of an open loop is due, in seconds after the run's start."""
        return self.start_s + number / self.rate

    def ended(self, number: int, elapsed_s: float) -> bool:
        """Whether the request of this number is no longer part of the stream."""
        if self.count and number >= self.count:
            return True
        return bool(self.duration_s) and elapsed_s >= self.start_s + self.duration_s


@dataclass(frozen=True, slots=True)
class Plan:
    """What one client process is told: where, what to upload, which traffic.

    `send_buffer_bytes` bounds what the kernel takes at once (0: its default, up to 4 MB on Linux, so that a request
    leaves in one call). A small one makes answers arrive while the client still sends, as over a real network.
    """

    host: str
    port: int
    photos: list[str]
    streams: list[Stream]
    seed: str = "0"
    send_buffer_bytes: int = 0

    @classmethod
    def read(cls, path: Path) -> Plan:
        """Read a plan that `write` wrote."""
        raw = json.loads(path.read_text("utf-8"))
        return cls(**{**raw, "streams": [Stream(**stream) for stream in raw["streams"]]})

    def write(self, path: Path) -> None:
        """Write the plan as JSON."""
        path.write_text(json.dumps(asdict(self)), "utf-8")


@dataclass(slots=True)
class Request:
    """One request under way. Times are seconds after the run's start; latency counts from `scheduled`."""

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

    def record(self) -> list[str | float | int | bool]:
        """A row of the result file; `COLUMNS` names its columns."""
        outcome = self.outcome or Outcome.TIMEOUT
        row = [self.stream.name, outcome.value, self.scheduled, self.sent, self.done, self.status]
        return [*row, self.retry_after, self.early, self.cut_off, self.digest]


COLUMNS = (
    "stream",
    "outcome",
    "scheduled",
    "sent",
    "done",
    "status",
    "retry_after",
    "early",
    "cut_off",
    "sha256",
)


class Uploads:
    """Requests with bytes of their own, from few photos: only the last 28 bytes of a photo differ."""

    def __init__(self, photos: list[bytes], seed: str) -> None:
        if any(not photo.startswith(b"\xff\xd8") or not photo.endswith(b"\xff\xd9") for photo in photos):
            raise ValueError("Uploads are made from JPEG files that end with their end marker.")
        self._seed = hashlib.sha256(seed.encode()).hexdigest()[:8]
        self._bodies = [memoryview(photo)[:-2] for photo in photos]
        self._hashes = [hashlib.sha256(body) for body in self._bodies]
        self._heads: dict[tuple[str, int], memoryview] = {}
        self._number = 0

    def next(self, plan: Plan, stream: Stream) -> tuple[str, list[memoryview]]:
        """The SHA-256 of the next upload, and the parts of its request."""
        number, self._number = self._number, self._number + 1
        which = number % len(self._bodies)
        comment = f"{self._seed}{number:016x}".encode()
        ending = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + b"\xff\xd9"
        digest = self._hashes[which].copy()
        digest.update(ending)
        tail = ending + b"\r\n--" + BOUNDARY + b"--\r\n"
        head = self._heads.get((stream.name, which))
        if head is None:
            head = memoryview(_head(plan, stream, len(self._bodies[which]) + len(tail)))
            self._heads[stream.name, which] = head
        return digest.hexdigest(), [head, self._bodies[which], memoryview(tail)]


def _head(plan: Plan, stream: Stream, rest: int) -> bytes:
    form = b"".join(
        b'--%b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (BOUNDARY, name.encode(), value.encode())
        for name, value in stream.fields.items()
    )
    form += (
        b'--%b\r\nContent-Disposition: form-data; name="%b"; filename="shelf.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
        % (BOUNDARY, stream.file_field.encode())
    )
    lines = [
        f"POST {stream.path} HTTP/1.1",
        f"Host: {plan.host}:{plan.port}",
        "Accept: application/json",
        "Cache-Control: no-cache",
        f"Content-Type: multipart/form-data; boundary={BOUNDARY.decode()}",
        f"Content-Length: {len(form) + rest}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + form


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer, as far as the client looks at it."""

    status: int
    body: bytes
    retry_after: str | None
    keep_alive: bool


def parse_answer(data: bytes | bytearray, closed: bool = False) -> Answer | None:
    """Read an answer from what has arrived; None while it is incomplete. `closed`: nothing more will come.

    Raises ValueError if the bytes are no HTTP answer.
    """
    while data:
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return None
        if not data.startswith(b"HTTP/1.") or not data[9:12].isdigit():
            raise ValueError("The server's answer is not HTTP.")
        status = int(data[9:12])
        if status >= 200:
            return _parse_final(status, bytes(data[:end]).lower(), bytes(data[end + 4 :]), closed)
        data = data[end + 4 :]
    return None


def _parse_final(status: int, head: bytes, rest: bytes, closed: bool) -> Answer | None:
    length = _header(head, b"content-length")
    chunked = b"chunked" in (_header(head, b"transfer-encoding") or b"")
    retry_after = _header(head, b"retry-after")
    keep_alive = b"close" not in (_header(head, b"connection") or b"") and not closed
    if chunked:
        body = _dechunk(rest)
    elif length is not None:
        body = rest[: int(length)] if len(rest) >= int(length) else None
    else:
        body, keep_alive = (rest if closed else None), False
    if body is None:
        return None
    return Answer(status, body, retry_after.decode() if retry_after is not None else None, keep_alive)


def _header(head: bytes, name: bytes) -> bytes | None:
    start = head.find(b"\r\n" + name + b":")
    if start < 0:
        return None
    start += len(name) + 3
    end = head.find(b"\r\n", start)
    return head[start : end if end >= 0 else len(head)].strip()


def _dechunk(data: bytes) -> bytes | None:
    body, at = b"", 0
    while (end := data.find(b"\r\n", at)) >= 0:
        size = int(data[at:end].split(b";")[0], 16)
        if size == 0:
            return body if data.find(b"\r\n", end + 2) >= 0 else None
        if len(data) < end + 2 + size + 2:
            return None
        body, at = body + data[end + 2 : end + 2 + size], end + 2 + size + 2
    return None


def judge(answer: Answer, digest: str) -> Outcome:
    """What an answer is worth to the client that uploaded the photo with this SHA-256.

    The text of the simulated device names the upload it belongs to; so does `scan.image.sha256`. Each that is there
    must be right, else the answer is wrong. An answer that names none is good, but unverified.
    """
    if answer.status in (429, 503):
        return Outcome.REFUSED
    if answer.status != 200:
        return Outcome.OTHER
    try:
        content = json.loads(answer.body)
    except ValueError:
        return Outcome.WRONG
    named = set(DIGEST.findall(str(content.get("result", ""))))
    scan = content.get("scan", content)
    image = scan.get("image") if isinstance(scan, dict) else None
    if isinstance(scan, dict):
        named.update(DIGEST.findall(str(scan.get("raw_text", ""))))
    if isinstance(image, dict) and image.get("sha256"):
        named.add(str(image["sha256"]))
    if not named:
        return Outcome.UNVERIFIED
    return Outcome.GOOD if named == {digest} else Outcome.WRONG


class Connection:
    """One socket: sends the parts of a request, and notices the answer even while it still sends."""

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
        """Send a request; the connection is idle."""
        self.request, request.connection = request, self
        self._unsent = list(request.parts)
        self._received.clear()
        self.write()

    def write(self) -> None:
        """Send what the socket takes."""
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
        """Take what has arrived."""
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
        """The peer is gone. An answer that came before is still an answer."""
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
        """Hang up. Safe to call again."""
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
        """Begin a request of a stream at this time; the run does not end before."""
        self._awaited += 1

        def act() -> None:
            self._awaited -= 1
            begin(stream)

        self.at(when, act)

    def run(self, origin: float) -> None:
        """Run to the end: all streams over, every request ended. `origin` is on `time.monotonic`."""
        self._origin = origin
        for stream in self.plan.streams:
            if stream.rate:
                self._due(stream.start_s, self._arrive, stream)
            for _ in range(stream.clients):
                self._due(stream.start_s, self._next, stream)
        self.at(IDLE_S, self._prune)
        while self._active or self._awaited:
            wait = self._timers[0][0] - self.now()
            for key, events in self.selector.select(max(0.0, wait)):
                connection: Connection = key.data
                if events & selectors.EVENT_READ:
                    connection.read()
                if events & selectors.EVENT_WRITE and connection.socket.fileno() >= 0:
                    connection.write()
            self._fire()

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
        """An answer arrived in full."""
        request.status = answer.status
        request.retry_after = answer.retry_after is not None
        outcome = judge(answer, request.digest)
        wait = _seconds(answer.retry_after)
        if outcome is Outcome.REFUSED and request.stream.retry:
            self.at(self.now() + wait, lambda: self._send(request))
            return
        self.finish(request, outcome, pause_s=wait if outcome is Outcome.REFUSED else 0.0)

    def finish(self, request: Request, outcome: Outcome, pause_s: float = 0.0) -> None:
        """Settle a request, once; a closed loop goes on with its next one."""
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
        """A connection has nothing left to send or to receive: it can serve the next request."""
        self.sending_on.pop(connection, None)
        connection.idle_since = self.now()
        self._idle.append(connection)

    def forget(self, connection: Connection) -> None:
        """A connection is closed."""
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
    """Run a plan and write the result: the records, and what the client itself cost."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536) if hard > 0 else 65536, hard))
    plan = Plan.read(Path(plan_path))
    client = Client(plan, [Path(photo).read_bytes() for photo in plan.photos])
    gc.collect()
    gc.freeze()
    origin, cpu = time.monotonic() + 0.05, time.process_time()
    client.run(origin)
    result = {
        "origin": origin,
        "elapsed_s": time.monotonic() - origin,
        "cpu_s": time.process_time() - cpu,
        "columns": COLUMNS,
        "records": [request.record() for request in client.records],
    }
    Path(result_path).write_text(json.dumps(result), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
