"""A pool of decoder processes for the photo stage: a crashed codec or a decompression bomb costs only one photo.

A decoder that dies, runs out of memory or takes too long is replaced at once. Its photo is retried once on another
decoder, as the first can have been killed from outside; after a second failure the hash of the photo is remembered and
the photo is refused without decoding.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
from collections import OrderedDict
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from time import monotonic
from typing import Any, Final

from pixel_agent.core import Assessment, sha256_of
from pixel_agent.core.errors import Draining, InvalidPhoto, PixelAgentError, Refused
from pixel_agent.photo.decoders import Assess
from pixel_agent.photo.executor import Stats
from pixel_agent.photo.fair_queue import FairQueue
from pixel_agent.photo.media_type import media_type_of
from pixel_agent.photo.nursery import Nursery
from pixel_agent.photo.refusals import TAKE_AGAIN
from pixel_agent.photo.shared_memory import map_array, read_bytes, share_bytes
from pixel_agent.photo.work import Made, Order, assess, assessment_of, error_of, header_of

log = logging.getLogger(__name__)

LARGE_BYTES: Final = 2**20
"""An upload up to this size is copied for the decoder on the event loop; a larger one in a thread."""
REMEMBERED: Final = 4096
"""Maximum number of refused photos whose hashes are remembered."""
RETRY_S: Final = 0.25
"""Pause before the next request for a process after the machine had no room for one."""
SLOW: Final = ("image/heic", "image/avif")
"""Types that take about thirty times as long as JPEG."""


@dataclass(eq=False, slots=True)
class _Task:
    """An order and its photo. `made` is done first, `assessment` a moment later."""

    order: Order
    data: bytes
    sha256: str
    rank: int
    client: str
    slow: bool
    made: asyncio.Future[Made]
    assessment: asyncio.Future[Assessment]
    tried: bool = False
    started: float = 0.0


@dataclass(eq=False, slots=True)
class _Decoder:
    """One decoder process and its current task."""

    orders: socket.socket
    pid: int = 0
    task: _Task | None = None
    deadline: asyncio.TimerHandle | None = None
    received: bytes = b""
    fds: list[int] = field(default_factory=list)


class DecoderPool:
    """Runs orders in `processes` decoders. One event loop owns it; processes start with the first order or `start`.

    `slow` is the maximum number of decoders that HEIC and AVIF use at once.
    """

    def __init__(
        self, nursery: Nursery, processes: int, *, slow: int, memory_bytes: int, timeout_s: float, niceness: int = 0
    ) -> None:
        self._nursery = nursery
        self._most = processes
        self._slow = slow
        self._memory_bytes = memory_bytes
        self._timeout_s = timeout_s
        self._niceness = niceness
        self._queue = FairQueue[_Task]()
        self._decoders: set[_Decoder] = set()
        self._idle: list[_Decoder] = []
        self._coming: set[asyncio.Task[None]] = set()
        self._refused = OrderedDict[str, str]()
        self._done = 0
        self._replaced = 0
        self._closed = False

    @property
    def stats(self) -> Stats:
        """Number of processes, queue length, and work now and so far."""
        return Stats(len(self._decoders), len(self._queue), self._busy, self._done, self._replaced)

    @property
    def pids(self) -> list[int]:
        """Process ids of the decoders that are ready."""
        return [decoder.pid for decoder in self._decoders if decoder.pid]

    def start(self) -> None:
        """Start processes until the pool is complete."""
        while not self._closed and len(self._decoders) + len(self._coming) < self._most:
            coming = asyncio.create_task(self._bring_up())
            self._coming.add(coming)
            coming.add_done_callback(self._came)

    async def run(
        self, order: Order, data: bytes, *, sha256: str = "", rank: int = 0, client: str = ""
    ) -> tuple[Made, Assess]:
        """The result of the order, and the assessment that follows a moment later if it was ordered.

        The lowest rank goes first, then the client that has used the least time. Cancelling removes a waiting order
        from the queue. Raises errors of the InvalidPhoto family; Draining after `close`.
        """
        if self._closed:
            raise _closing()
        sha256 = sha256 or await asyncio.to_thread(sha256_of, data)
        if (why := self._refused.get(sha256)) is not None:
            raise InvalidPhoto(why, TAKE_AGAIN)
        loop = asyncio.get_running_loop()
        slow = media_type_of(data) in SLOW
        task = _Task(order, data, sha256, rank, client, slow, loop.create_future(), loop.create_future())
        task.assessment.add_done_callback(_seen)
        self._queue.push(rank, client, task)
        self.start()
        self._pump()
        try:
            return await task.made, lambda: task.assessment
        finally:
            self._queue.remove(rank, client, task)

    async def close(self) -> None:
        """Refuse waiting orders, let running ones finish within their time limit, and end the processes."""
        self._closed = True
        for waiting in self._queue.drain():
            _fail(waiting, _closing())
        running = [task.made for decoder in self._decoders if (task := decoder.task) is not None]
        if running:
            await asyncio.wait(running, timeout=self._timeout_s)
        for coming in list(self._coming):
            coming.cancel()
        for decoder in list(self._decoders):
            self._drop(decoder)

    @property
    def _busy(self) -> int:
        return sum(decoder.task is not None for decoder in self._decoders)

    # Processes

    async def _bring_up(self) -> None:
        try:
            orders = await self._nursery.fork(self._memory_bytes, self._niceness)
        except OSError as error:
            log.warning("event=no_decoder error=%r", error)
            await asyncio.sleep(RETRY_S)
            return
        decoder = _Decoder(orders)
        self._decoders.add(decoder)
        asyncio.get_running_loop().add_reader(orders.fileno(), self._receive, decoder)

    def _came(self, coming: asyncio.Task[None]) -> None:
        self._coming.discard(coming)
        if not coming.cancelled() and (error := coming.exception()) is not None:
            log.error("event=no_decoder error=%r", error)
        if not coming.cancelled():
            self.start()

    def _drop(self, decoder: _Decoder) -> None:
        if decoder not in self._decoders:
            return
        self._decoders.discard(decoder)
        decoder.task = None
        if decoder in self._idle:
            self._idle.remove(decoder)
        if decoder.deadline is not None:
            decoder.deadline.cancel()
        asyncio.get_running_loop().remove_reader(decoder.orders.fileno())
        decoder.orders.close()
        for fd in decoder.fds:
            os.close(fd)

    def _lost(self, decoder: _Decoder) -> None:
        """Replace a decoder that has ended, and retry, refuse or finish its task."""
        if decoder not in self._decoders:
            return
        task, was_ready = decoder.task, bool(decoder.pid)
        self._drop(decoder)
        if self._closed:
            if task is not None:
                _fail(task, _closing())
            return
        self._replaced += was_ready
        if task is not None and _has_pixels(task) and not task.assessment.done():
            self._assess_here(task)
        if task is not None and not task.made.done():
            self._try_again(task)
        if was_ready:
            self.start()
        else:  # it never started: the machine has no room
            asyncio.get_running_loop().call_later(RETRY_S, self.start)

    def _try_again(self, task: _Task) -> None:
        if task.tried:
            log.warning("event=decoder_lost bytes=%d", len(task.data))
            self._condemn(task, "The photo ends the decoder that reads it.")
        else:
            task.tried = True
            self._queue.push(task.rank, task.client, task, first=True)

    def _assess_here(self, task: _Task) -> None:
        """Assess in a thread: the decoder ended after it sent complete pixels and before the assessment."""
        made = task.made.result()

        def work() -> Assessment:
            if made.pixels is None:
                raise RuntimeError("only pixels are assessed")
            return assess(made.pixels, made.header)

        def hand_on(done: asyncio.Future[Assessment]) -> None:
            if not task.assessment.done():
                error = done.exception()
                task.assessment.set_result(done.result()) if error is None else task.assessment.set_exception(error)

        asyncio.get_running_loop().run_in_executor(None, work).add_done_callback(hand_on)

    # Orders

    def _pump(self) -> None:
        while self._idle and not self._closed:
            following = self._queue.pop(self._fits)
            if following is None:
                return
            self._give(self._idle.pop(), following)

    def _fits(self, task: _Task) -> bool:
        running = sum(decoder.task is not None and decoder.task.slow for decoder in self._decoders)
        return not task.slow or running < self._slow

    def _give(self, decoder: _Decoder, task: _Task) -> None:
        loop = asyncio.get_running_loop()
        decoder.task, task.started = task, monotonic()
        decoder.deadline = loop.call_later(self._timeout_s, self._overdue, decoder)
        if len(task.data) <= LARGE_BYTES:
            self._send(decoder, task, _shared(task.data))
            return
        sharing = loop.run_in_executor(None, _shared, task.data)
        sharing.add_done_callback(lambda done: self._send(decoder, task, done.result()))

    def _send(self, decoder: _Decoder, task: _Task, fd: int | OSError) -> None:
        if isinstance(fd, OSError):
            _fail(task, Refused("The machine has no memory left.", "Send the photo again in a moment."))
            self._free(decoder)
            return
        try:
            if decoder.task is not task:  # lost meanwhile
                return
            said = {**asdict(task.order), "size": len(task.data)}
            socket.send_fds(decoder.orders, [json.dumps(said).encode() + b"\n"], [fd])
        except OSError:
            self._lost(decoder)
        finally:
            os.close(fd)

    def _overdue(self, decoder: _Decoder) -> None:
        if decoder.task is None:
            return
        log.warning("event=decoder_overdue pid=%d", decoder.pid)
        self._condemn(decoder.task, f"The photo takes more than {self._timeout_s:g} s to decode.")
        self._nursery.kill(decoder.pid)
        self._lost(decoder)

    def _free(self, decoder: _Decoder) -> None:
        task, decoder.task = decoder.task, None
        if decoder.deadline is not None:
            decoder.deadline.cancel()
            decoder.deadline = None
        if task is not None:
            self._done += 1
            self._queue.used(task.client, monotonic() - task.started)
        self._idle.append(decoder)
        self._pump()

    # What decoders say

    def _receive(self, decoder: _Decoder) -> None:
        try:
            message, fds, _, _ = socket.recv_fds(decoder.orders, 65_536, 4)
        except BlockingIOError:
            return
        except OSError:
            message, fds = b"", []
        decoder.fds += fds
        *lines, decoder.received = (decoder.received + message).split(b"\n")
        for line in lines:
            self._take(decoder, line)
        if not message:
            self._lost(decoder)

    def _take(self, decoder: _Decoder, line: bytes) -> None:
        """Handle one message; a decoder that sends an invalid one is broken and is dropped."""
        try:
            self._understand(decoder, json.loads(line))
        except (ValueError, LookupError, TypeError, OSError) as error:
            log.warning("event=decoder_confused pid=%d error=%r", decoder.pid, error)
            self._nursery.kill(decoder.pid)
            self._lost(decoder)

    def _understand(self, decoder: _Decoder, said: dict[str, Any]) -> None:
        task = decoder.task
        if "pid" in said:
            decoder.pid = int(said["pid"])
            self._idle.append(decoder)
            self._pump()
            return
        if task is None:
            return
        if "assessment" in said:
            found = assessment_of(said["assessment"])
            if not task.assessment.done():
                task.assessment.set_result(found)
        elif "memory" in said:
            self._condemn(task, "The photo takes more memory than a decoder has.")
            return  # it ends by itself
        elif "error" in said:
            _fail(task, error_of(said))
        else:
            made = _made(decoder, said)
            if not task.made.done():
                task.made.set_result(made)
            if task.order.assess:
                return
        self._free(decoder)

    def _condemn(self, task: _Task, why: str) -> None:
        """Refuse a photo now, and each time it is uploaded again."""
        _fail(task, InvalidPhoto(why, TAKE_AGAIN))
        self._refused[task.sha256] = why
        if len(self._refused) > REMEMBERED:
            self._refused.popitem(last=False)


def _made(decoder: _Decoder, said: dict[str, Any]) -> Made:
    header = header_of(said["header"])
    if "shape" not in said and "size" not in said:
        return Made(header)
    fd = decoder.fds.pop(0)
    try:
        if "shape" in said:
            height, width, depth = said["shape"]
            return Made(header, map_array(fd, (int(height), int(width), int(depth))))
        return Made(header, jpeg=read_bytes(fd, int(said["size"])))
    finally:
        os.close(fd)


def _shared(data: bytes) -> int | OSError:
    try:
        return share_bytes(data)
    except OSError as error:
        return error


def _has_pixels(task: _Task) -> bool:
    return task.made.done() and not task.made.cancelled() and task.made.exception() is None


def _fail(task: _Task, error: PixelAgentError) -> None:
    for future in (task.made, task.assessment):
        if not future.done():
            future.set_exception(error)


def _seen(assessment: asyncio.Future[Assessment]) -> None:
    """Mark an assessment's error as retrieved, so that asyncio does not log one that no caller awaits."""
    with suppress(asyncio.CancelledError):
        assessment.exception()


def _closing() -> Draining:
    return Draining("The server is stopping and takes no more photos.", "Send the photo again in a moment.")
