"""Admission control: limits scans and bytes inside; rejects a request whose predicted answer misses deadline or SLO.

A request is checked twice. First by its headers, before its body is read (`arriving`): this costs microseconds and
stops most of a flood. Then as scans, after the body is parsed (`enter`, `enter_all`); the first scan takes over the
request's ticket.

Two predictions protect the response time (SLO). While no scan was refused recently, the *number inside* is limited to
what the device answers within the SLO (Little's law): bursts and closed loops that fit on average are all admitted.
After a refusal, each new request's *own* answer must also be predicted within a part of the SLO, counted in batches, so
that prediction errors do not push the slowest answers past the SLO.

The scans ahead of a new request follow the policy: more urgent classes, and of its own class only as many scans of each
other client as its own client has. Bulk scans are limited only by the numbers inside and by their own deadlines.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from math import ceil
from types import TracebackType
from typing import Self

from pixel_agent.core import Priority, ScanRequest
from pixel_agent.core.errors import DeadlineUnreachable, Draining, QueueFull, Refused
from pixel_agent.core.settings import AdmissionSettings
from pixel_agent.scheduling.byte_budget import ByteBudget, Reservation
from pixel_agent.scheduling.forecast import Forecast
from pixel_agent.scheduling.policy import CLASSES, RANK

BULK = RANK[Priority.BULK]
SLOW_UPLOAD_S = 1.0
"""A slower upload (seconds) does not count as a scan until it is complete."""
ERROR_SHARE = 0.05
"""Weight of the newest prediction error in the moving mean and scatter."""
SCATTERS = 2.0
"""Safety margin for the slowest answers during refusals, in mean absolute deviations of the prediction errors."""


@dataclass(frozen=True, slots=True)
class AdmissionStats:
    """Scans inside, and refusals since the start by reason (the error's code).

    `bias_s` is the mean of actual minus predicted response time, `scatter_s` the mean absolute deviation from it.
    """

    inside: dict[Priority, int]
    bytes_inside: int
    admitted: int
    refused: dict[str, int]
    overloaded: bool
    bias_s: float
    scatter_s: float


class Ticket:
    """One admitted scan, from `Admission.enter` to `release`; a context manager. Released exactly once."""

    __slots__ = ("_admission", "_released", "bytes", "client", "counted", "entered", "rank", "wait_s")

    def __init__(
        self, admission: Admission, rank: int, client: str, reserved: Reservation, entered: float, wait_s: float
    ) -> None:
        self._admission = admission
        self._released = False
        self.bytes = reserved
        self.counted = True
        self.rank = rank
        self.client = client
        self.entered = entered
        self.wait_s = wait_s

    def release(self, *, answered: bool = True) -> None:
        """Leave admission; further calls do nothing. `answered`: by the device, so the prediction can be checked."""
        if not self._released:
            self._released = True
            self._admission.leave(self, answered=answered)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release(answered=kind is None)


class Arrival:
    """A request whose body is being received; a context manager.

    Its bytes are reserved until it leaves or becomes scans. It counts as a scan unless its upload is slow.
    """

    __slots__ = ("_admission", "_slow", "_ticket")

    def __init__(self, ticket: Ticket, admission: Admission) -> None:
        self._admission = admission
        self._ticket: Ticket | None = ticket
        self._slow = asyncio.get_running_loop().call_later(SLOW_UPLOAD_S, admission.uncount, ticket)

    def grow(self, size_bytes: int) -> None:
        """Record the bytes received so far. Raises QueueFull if they do not fit or exceed the client's share."""
        if self._ticket is not None and size_bytes > self._ticket.bytes.size_bytes:
            self._admission.resize(self._ticket, size_bytes)

    def take_over(self, request: ScanRequest) -> Ticket | None:
        """The ticket for the parsed scan, or None.

        None means that the scan must be admitted again: it is in another class, has a deadline, or its upload was slow.
        """
        self._slow.cancel()
        ticket = self._ticket
        if ticket is None or not ticket.counted or ticket.rank != RANK[request.spec.priority] or request.deadline:
            self.release()
            return None
        self._ticket = None
        return ticket

    def release(self) -> None:
        """Leave, unless a scan has taken over; further calls do nothing."""
        self._slow.cancel()
        if self._ticket is not None:
            self._ticket.release(answered=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Admission:
    """Counts the scans inside and decides in constant time whether a request is admitted.

    `forecast` is the batcher's, `clock` the scheduler's (`loop.time`), `slo_s` the engine's promise; the setting wins.
    """

    def __init__(
        self,
        settings: AdmissionSettings,
        forecast: Callable[[], Forecast],
        clock: Callable[[], float],
        slo_s: float | None = None,
    ) -> None:
        self.slo_s = response_time(settings, slo_s)
        self._settings = settings
        self._forecast = forecast
        self._clock = clock
        self._inside = [0] * len(CLASSES)
        self._clients: list[dict[str, int]] = [{} for _ in CLASSES]
        self._budget = ByteBudget(settings.max_bytes)
        self._admitted = 0
        self._refused = Counter[str]()
        self._refused_at = float("-inf")
        self._bias_s = 0.0
        self._scatter_s = 0.0
        self._draining = False

    def arriving(self, size_bytes: int | None, priority: Priority, client: str = "") -> Arrival:
        """The early check by headers, before the body is read. Raises as `take` does."""
        early = None if size_bytes is None else min(size_bytes, self._settings.assumed_bytes)
        return Arrival(self.take(early, priority, client=client), self)

    def enter(self, request: ScanRequest) -> Ticket:
        """Admit a scan whose body has been parsed. Raises as `take` does."""
        deadline_s = None if request.deadline is None else request.deadline - self._clock()
        return self.take(len(request.data), request.spec.priority, deadline_s, request.spec.client)

    @contextmanager
    def enter_all(self, requests: Sequence[ScanRequest], arrival: Arrival) -> Iterator[None]:
        """Admit the scans of a parsed request; the first takes over its ticket. Raises as `take` does."""
        first, *others = requests
        ticket = arrival.take_over(first)
        with ExitStack() as stack:
            if ticket is not None:
                stack.enter_context(ticket)
                self.resize(ticket, len(first.data))
            for request in requests if ticket is None else others:
                stack.enter_context(self.enter(request))
            yield

    def take(
        self,
        size_bytes: int | None = None,
        priority: Priority = Priority.INTERACTIVE,
        deadline_s: float | None = None,
        client: str = "",
    ) -> Ticket:
        """Admit one scan, or raise QueueFull, DeadlineUnreachable, Draining or Refused with the time to retry.

        `size_bytes` None: not known yet. `deadline_s` counts from now.
        """
        rank = RANK[priority]
        size = self._settings.assumed_bytes if size_bytes is None else size_bytes
        forecast, now = self._forecast(), self._clock()
        ahead = self._ahead(rank, client)
        wait_s = self._wait_s(ahead, rank, forecast, now)
        refusal = self._refusal(rank, size, deadline_s, ahead, wait_s, forecast, now)
        if refusal is not None:
            self._refused[refusal.code] += 1
            raise refusal
        self._inside[rank] += 1
        clients = self._clients[rank]
        clients[client] = clients.get(client, 0) + 1
        self._admitted += 1
        return Ticket(self, rank, client, self._budget.reserve(size, client), now, wait_s)

    def grow(self, reservation: Reservation, size_bytes: int) -> None:
        """Record the bytes received so far of an upload for a queued scan. Raises QueueFull."""
        more = size_bytes - reservation.size_bytes
        if more > 0:
            if not self._budget.fits(more, client=reservation.client):
                self._refused[QueueFull.code] += 1
                raise self._full(self._forecast(), 0.0)
            reservation.resize(size_bytes)

    def reserve(self, size_bytes: int | None = None, client: str = "") -> Reservation:
        """Reserve bytes only, for the upload of a queued scan: no scan is counted. Raises QueueFull, Draining."""
        size = self._settings.assumed_bytes if size_bytes is None else size_bytes
        forecast = self._forecast()
        if self._draining or not self._budget.fits(size, client=client):
            refusal = self._stopping(forecast, 0.0) if self._draining else self._full(forecast, 0.0)
            self._refused[refusal.code] += 1
            raise refusal
        return self._budget.reserve(size, client)

    def resize(self, ticket: Ticket, size_bytes: int) -> None:
        """Correct the size of an upload. Raises QueueFull if it no longer fits; the ticket stays valid."""
        more = size_bytes - ticket.bytes.size_bytes
        if more > 0 and not self._budget.fits(more, self._share(ticket.rank), ticket.client):
            self._refused[QueueFull.code] += 1
            raise self._full(self._forecast(), 0.0)
        ticket.bytes.resize(size_bytes)

    def leave(self, ticket: Ticket, *, answered: bool) -> None:
        """Release a ticket's bytes and count, and learn from its prediction error; see `Ticket.release`."""
        ticket.bytes.release()
        if not ticket.counted:
            return
        self.uncount(ticket)
        error_s = self._clock() - ticket.entered - ticket.wait_s
        shared = error_s < -ticket.wait_s / 2  # so early that the device cannot have been asked
        if answered and not shared and ticket.rank != BULK:
            self._bias_s += ERROR_SHARE * (error_s - self._bias_s)
            self._scatter_s += ERROR_SHARE * (abs(error_s - self._bias_s) - self._scatter_s)

    def uncount(self, ticket: Ticket) -> None:
        """Stop counting a ticket as a scan; its bytes stay reserved."""
        ticket.counted = False
        self._inside[ticket.rank] -= 1
        clients = self._clients[ticket.rank]
        clients[ticket.client] -= 1
        if not clients[ticket.client]:
            del clients[ticket.client]

    @property
    def draining(self) -> bool:
        """Whether admission is closed for good."""
        return self._draining

    def drain(self) -> None:
        """Close admission for good."""
        self._draining = True

    def wait_s(self, priority: Priority, client: str = "") -> float:
        """Predicted time until a scan that arrives now is answered, in seconds."""
        rank = RANK[priority]
        return self._wait_s(self._ahead(rank, client), rank, self._forecast(), self._clock())

    def stats(self) -> AdmissionStats:
        """Scans inside and refusals."""
        return AdmissionStats(
            inside=dict(zip(CLASSES, self._inside, strict=True)),
            bytes_inside=self._budget.used_bytes,
            admitted=self._admitted,
            refused=dict(self._refused),
            overloaded=self._overloaded(self._clock()),
            bias_s=self._bias_s,
            scatter_s=self._scatter_s,
        )

    def _ahead(self, rank: int, client: str) -> int:
        """How many scans inside are ahead of a new one, including running scans."""
        counts = self._clients[rank]
        own = counts.get(client, 0)
        others = len(counts) - (client in counts)
        return sum(self._inside[:rank]) + min(self._inside[rank], own + others * (own + 1))

    def _wait_s(self, ahead: int, rank: int, forecast: Forecast, now: float) -> float:
        """Predicted seconds to the answer: waiting for a replica, full batches ahead, and the scan's own batch."""
        running = sum(forecast.in_flight[: rank + 1])
        waiting = max(0, ahead - running)
        fullness = min(1.0, waiting / max(1, forecast.batch_items - 1))
        own_s = forecast.alone_s + fullness * max(0.0, forecast.round_s - forecast.alone_s)
        return forecast.start_s(waiting, now) + own_s

    def _refusal(
        self, rank: int, size: int, deadline_s: float | None, ahead: int, wait_s: float, forecast: Forecast, now: float
    ) -> Refused | None:
        if self._draining:
            return self._stopping(forecast, wait_s)
        share, settings = self._share(rank), self._settings
        if sum(self._inside) >= share * settings.max_scans or not self._budget.fits(size, share):
            return self._full(forecast, wait_s)
        known = forecast.measured or self.slo_s is not None
        if deadline_s is not None and known and wait_s > deadline_s:
            message = f"The answer would take {wait_s:.2f} s, longer than the {deadline_s:.2f} s that are left."
            advice = "Come back later, or allow more time."
            return self._refuse(DeadlineUnreachable, message, advice, wait_s - deadline_s, wait_s)
        return self._too_slow(rank, ahead, wait_s, forecast, now)

    def _too_slow(self, rank: int, ahead: int, wait_s: float, forecast: Forecast, now: float) -> Refused | None:
        """Protect the response time; see the module docstring."""
        if self.slo_s is None or rank == BULK or not ahead:
            return None
        excess_s = (ahead + 1) / forecast.per_s - (1 + self._settings.tolerance) * self.slo_s
        if self._overloaded(now):
            excess_s = max(excess_s, wait_s + self._error_s() - self._settings.overload_target * self.slo_s)
        if excess_s <= 0:
            return None
        self._refused_at = now
        message = f"{ahead} scans are ahead; an answer within {self.slo_s:g} s is not to be expected."
        return self._refuse(Refused, message, "Come back after the time in Retry-After.", excess_s, wait_s)

    def _stopping(self, forecast: Forecast, wait_s: float) -> Refused:
        left_s = sum(self._inside) / forecast.per_s
        return self._refuse(Draining, "The server is stopping.", "Send the photo again soon.", left_s, wait_s)

    def _full(self, forecast: Forecast, wait_s: float) -> Refused:
        scans, size = sum(self._inside), self._budget.used_bytes
        message = f"{scans} scans with {size / 2**20:.0f} MiB are inside, and no more fit."
        tenth_s = 0.1 * scans / forecast.per_s
        return self._refuse(QueueFull, message, "Come back after the time in Retry-After.", tenth_s, wait_s)

    def _refuse(self, kind: type[Refused], message: str, advice: str, come_back_s: float, wait_s: float) -> Refused:
        retry_after_s = min(max(1, ceil(come_back_s)), self._settings.max_retry_after_s)
        return kind(message, advice, retry_after_s=retry_after_s, queue_length=sum(self._inside), wait_s=wait_s)

    def _overloaded(self, now: float) -> bool:
        return now - self._refused_at <= self._settings.overload_s

    def _error_s(self) -> float:
        """How much longer than predicted a slow answer takes, within plausible limits."""
        error_s = self._bias_s + SCATTERS * self._scatter_s
        return min(max(0.0, error_s), (self.slo_s or 0.0) / 4)

    def _share(self, rank: int) -> float:
        return self._settings.bulk_share if rank == BULK else 1.0


def response_time(settings: AdmissionSettings, slo_s: float | None) -> float | None:
    """The response time to protect, in seconds: the setting if there is one (0: none), else the engine's promise."""
    if settings.slo_ms is None:
        return slo_s
    return settings.slo_ms / 1000 or None
