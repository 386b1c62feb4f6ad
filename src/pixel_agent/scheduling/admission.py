"""The door: bounded in scans and bytes, and shut to whoever would wait in vain. Refusing takes microseconds.

Two predictions defend the response time (SLO). As long as nobody has been refused lately, the *number inside* may be
what the device answers within the SLO (Little's law): bursts and closed loops that fit on average all come in. Once
somebody was refused, each newcomer's *own* answer must also be predicted within a part of the SLO, by batches, so that
what a prediction cannot know does not push the slowest answers past it.

Who is ahead of a newcomer follows the policy: more urgent classes, and of its own class only as many scans of each other
client as its own client has. Bulk scans are bound by the numbers inside and by their own deadlines alone.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from types import TracebackType
from typing import Self

from pixel_agent.core import Priority, ScanRequest
from pixel_agent.core.errors import DeadlineUnreachable, Draining, QueueFull, Refused
from pixel_agent.core.settings import AdmissionSettings
from pixel_agent.scheduling.forecast import Forecast
from pixel_agent.scheduling.policy import CLASSES, RANK

BULK = RANK[Priority.BULK]
ERROR_SHARE = 0.05
"""How fast mean and scatter of the prediction errors follow the newest one."""
SCATTERS = 2.0
"""Mean absolute deviations of the prediction errors that the slowest answers are granted while scans are refused."""


@dataclass(frozen=True, slots=True)
class AdmissionStats:
    """Who is inside, and who was refused since the start, by reason (the error's code).

    `bias_s` is how much longer than predicted answers take on average, `scatter_s` their mean deviation from that.
    """

    inside: dict[Priority, int]
    bytes_inside: int
    admitted: int
    refused: dict[str, int]
    overloaded: bool
    bias_s: float
    scatter_s: float


class Ticket:
    """The right to be inside, from `Admission.enter` to `release`; a context manager. Released exactly once."""

    __slots__ = ("_admission", "_kept", "_released", "client", "entered", "parked", "rank", "size_bytes", "wait_s")

    def __init__(
        self, admission: Admission, rank: int, client: str, size_bytes: int, entered: float, wait_s: float
    ) -> None:
        self._admission = admission
        self._released = False
        self._kept = False
        self.parked = False
        self.rank = rank
        self.client = client
        self.size_bytes = size_bytes
        self.entered = entered
        self.wait_s = wait_s

    def resize(self, size_bytes: int) -> None:
        """Correct the size once it is known. Raises QueueFull if it no longer fits; the ticket stays valid."""
        self._admission.resize(self, size_bytes)

    def park(self) -> None:
        """Stop to be counted among the scans, for an upload that is slow to come; its bytes stay counted.

        Once the upload is here, release the ticket and enter again.
        """
        if not (self._released or self._kept or self.parked):
            self._admission.uncount(self)
            self.parked = True

    def keep(self) -> None:
        """The upload is here: the ticket is a scan's now, and is not parked any more."""
        self._kept = True

    def release(self, *, answered: bool = True) -> None:
        """Leave; further calls do nothing. `answered`: by the device, so that the prediction can be judged."""
        if not self._released:
            self._released = True
            self._admission.leave(self, answered=answered)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release(answered=kind is None)


class Admission:
    """Counts who is inside and decides who may come in, in constant time.

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
        self._bytes = 0
        self._admitted = 0
        self._refused = Counter[str]()
        self._refused_at = float("-inf")
        self._bias_s = 0.0
        self._scatter_s = 0.0
        self._draining = False
        self._empty = asyncio.Event()

    def enter(
        self,
        size_bytes: int | None = None,
        priority: Priority = Priority.INTERACTIVE,
        deadline_s: float | None = None,
        client: str = "",
    ) -> Ticket:
        """Come in, or raise QueueFull, DeadlineUnreachable, Draining or Refused with the time to come back.

        `size_bytes` None: not known yet, correct it with `Ticket.resize`. `deadline_s` counts from now.
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
        self._bytes += size
        self._admitted += 1
        return Ticket(self, rank, client, size, now, wait_s)

    def enter_for(self, request: ScanRequest) -> Ticket:
        """Come in with a request that has been read. Raises as `enter` does."""
        deadline_s = None if request.deadline is None else request.deadline - self._clock()
        return self.enter(len(request.data), request.spec.priority, deadline_s, request.spec.client)

    def upload(self, size_bytes: int | None = None, client: str = "") -> Ticket:
        """Come in with bytes alone, for what is kept for later: no scan is counted, and nobody has to wait for it.

        Raises QueueFull, Draining.
        """
        size = self._settings.assumed_bytes if size_bytes is None else size_bytes
        forecast, now = self._forecast(), self._clock()
        full = self._bytes + size > self._settings.max_bytes
        if self._draining or full:
            refusal = self._stopping(forecast, 0.0) if self._draining else self._full(forecast, 0.0)
            self._refused[refusal.code] += 1
            raise refusal
        self._bytes += size
        ticket = Ticket(self, BULK, client, size, now, 0.0)
        ticket.parked = True
        return ticket

    def resize(self, ticket: Ticket, size_bytes: int) -> None:
        """See `Ticket.resize`."""
        more = size_bytes - ticket.size_bytes
        if more > 0 and self._bytes + more > self._share(ticket.rank) * self._settings.max_bytes:
            self._refused[QueueFull.code] += 1
            raise self._full(self._forecast(), 0.0)
        self._bytes += more
        ticket.size_bytes = size_bytes

    def leave(self, ticket: Ticket, *, answered: bool) -> None:
        """See `Ticket.release`."""
        self._bytes -= ticket.size_bytes
        if ticket.parked:
            return
        self.uncount(ticket)
        error_s = self._clock() - ticket.entered - ticket.wait_s
        shared = error_s < -ticket.wait_s / 2  # so early that the device cannot have been asked
        if answered and not shared and ticket.rank != BULK:
            self._bias_s += ERROR_SHARE * (error_s - self._bias_s)
            self._scatter_s += ERROR_SHARE * (abs(error_s - self._bias_s) - self._scatter_s)

    def uncount(self, ticket: Ticket) -> None:
        """See `Ticket.park`."""
        self._inside[ticket.rank] -= 1
        clients = self._clients[ticket.rank]
        clients[ticket.client] -= 1
        if not clients[ticket.client]:
            del clients[ticket.client]
        if not any(self._inside):
            self._empty.set()

    @property
    def draining(self) -> bool:
        """Whether the door is shut for good."""
        return self._draining

    def drain(self) -> None:
        """Let nobody in any more."""
        self._draining = True

    async def emptied(self) -> None:
        """Wait until nobody is inside."""
        while any(self._inside):
            self._empty.clear()
            await self._empty.wait()

    def wait_s(self, priority: Priority, client: str = "") -> float:
        """When a scan that came now would be answered, in seconds from now."""
        rank = RANK[priority]
        return self._wait_s(self._ahead(rank, client), rank, self._forecast(), self._clock())

    def stats(self) -> AdmissionStats:
        """Who is inside and who was refused."""
        return AdmissionStats(
            inside=dict(zip(CLASSES, self._inside, strict=True)),
            bytes_inside=self._bytes,
            admitted=self._admitted,
            refused=dict(self._refused),
            overloaded=self._overloaded(self._clock()),
            bias_s=self._bias_s,
            scatter_s=self._scatter_s,
        )

    def _ahead(self, rank: int, client: str) -> int:
        """How many scans inside go before a newcomer, those that run included."""
        counts = self._clients[rank]
        own = counts.get(client, 0)
        others = len(counts) - (client in counts)
        return sum(self._inside[:rank]) + min(self._inside[rank], own + others * (own + 1))

    def _wait_s(self, ahead: int, rank: int, forecast: Forecast, now: float) -> float:
        """Wait for a replica, for the full batches that go before, and for the own batch."""
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
        if sum(self._inside) >= share * settings.max_scans or self._bytes + size > share * settings.max_bytes:
            return self._full(forecast, wait_s)
        known = forecast.measured or self.slo_s is not None
        if deadline_s is not None and known and wait_s > deadline_s:
            message = f"The answer would take {wait_s:.2f} s, longer than the {deadline_s:.2f} s that are left."
            advice = "Come back later, or allow more time."
            return self._refuse(DeadlineUnreachable, message, advice, wait_s - deadline_s, wait_s)
        return self._too_slow(rank, ahead, wait_s, forecast, now)

    def _too_slow(self, rank: int, ahead: int, wait_s: float, forecast: Forecast, now: float) -> Refused | None:
        """Defend the response time; see the top of this file."""
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
        scans, size = sum(self._inside), self._bytes
        message = f"{scans} scans with {size / 2**20:.0f} MiB are inside, and no more fit."
        tenth_s = 0.1 * scans / forecast.per_s
        return self._refuse(QueueFull, message, "Come back after the time in Retry-After.", tenth_s, wait_s)

    def _refuse(self, kind: type[Refused], message: str, advice: str, come_back_s: float, wait_s: float) -> Refused:
        retry_after_s = min(max(1, ceil(come_back_s)), self._settings.max_retry_after_s)
        return kind(message, advice, retry_after_s=retry_after_s, queue_length=sum(self._inside), wait_s=wait_s)

    def _overloaded(self, now: float) -> bool:
        return now - self._refused_at <= self._settings.overload_s

    def _error_s(self) -> float:
        """What a slow answer takes beyond its prediction, as far as that is plausible."""
        error_s = self._bias_s + SCATTERS * self._scatter_s
        return min(max(0.0, error_s), (self.slo_s or 0.0) / 4)

    def _share(self, rank: int) -> float:
        return self._settings.bulk_share if rank == BULK else 1.0


def response_time(settings: AdmissionSettings, slo_s: float | None) -> float | None:
    """The response time to defend, in seconds: the setting if there is one (0: none), else the engine's promise."""
    if settings.slo_ms is None:
        return slo_s
    return settings.slo_ms / 1000 or None
