"""The dispatcher of webhooks: claims deliveries from the outbox and sends them to their receivers.

It waits for events and timers, claims due deliveries, and records their results. A receiver that seems to be down gets
one delivery at a time, after a pause, so that an outage neither uses up the attempts of all waiting deliveries nor
delays other receivers.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from pixel_agent.core.backoff import Backoff
from pixel_agent.core.errors import StoreError
from pixel_agent.core.settings import WebhookSettings
from pixel_agent.jobs.webhooks.delivery import Caller, CallResult
from pixel_agent.storage import outbox, webhooks
from pixel_agent.storage.database import Database
from pixel_agent.storage.notifier import ANY, Notifier
from pixel_agent.storage.outbox import DeliveryClaim, DeliveryOutcome
from pixel_agent.storage.webhooks import Webhook

log = logging.getLogger("pixel_agent.jobs.webhooks.dispatcher")

IN_FLIGHT = 64
"""Maximum concurrent deliveries."""
EACH = 8
"""Maximum concurrent deliveries to one receiver."""
DOWN_AFTER = 3
"""Consecutive failures after which a receiver counts as down; a single failure delays no other delivery."""
PAUSE_MAX_S = 15.0
"""Longest pause for a receiver that seems to be down, and so the longest delay until its recovery is noticed."""
LEASE_MARGIN_S = 20.0
"""A lease lasts this much longer than the longest delivery, in seconds."""
LOOK_S = 1.0
"""Interval between two checks for events of other processes, in seconds."""
TIDY_S = 60.0
"""Interval between two cleanups of old deliveries, in seconds."""
RETRY_S = 2.0
"""Pause after an error of the store, in seconds."""
SPREAD = 0.25
"""Jitter: pauses vary by ±25 %, so that receivers are not called at the same time."""
Clock = Callable[[], float]
"""Seconds since 1970."""


@dataclass(slots=True)
class Receiver:
    """The state of one receiver, as this process sees it."""

    under_way: int = 0
    failures: int = 0
    paused_until_ms: int = 0

    def slots(self, most: int, now_ms: int) -> int:
        """How many more deliveries can start: at most one while the receiver seems down, none during its pause."""
        if now_ms < self.paused_until_ms:
            return 0
        return max(0, (1 if self.failures >= DOWN_AFTER else most) - self.under_way)


class WebhookSender:
    """Delivers events. `start` and `stop` own the loop and all running deliveries."""

    def __init__(
        self,
        db: Database,
        settings: WebhookSettings,
        notifier: Notifier,
        *,
        clock: Clock = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._db = db
        self._settings = settings
        self._clock = clock
        self._chance = chance
        self._backoff = Backoff(settings.backoff_min_s, settings.backoff_max_s, SPREAD)
        self._owner = uuid.uuid4().hex
        self._caller = Caller(settings)
        self._notifier = notifier
        self._loop: asyncio.Task[None] | None = None
        self._receivers: dict[str, Receiver] = {}
        self._under_way: set[asyncio.Task[None]] = set()
        self._ended: list[DeliveryOutcome] = []
        self._tidied = 0.0

    def start(self) -> None:
        """Start the loop if the settings allow any host."""
        if self._settings.hosts.strip():
            self._loop = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Cancel running deliveries, record finished ones, and release the leases of the others."""
        if self._loop is None:
            return
        running = [self._loop, *self._under_way]
        for task in running:
            task.cancel()
        await asyncio.wait(running)
        self._loop = None
        with suppress(StoreError):
            async with self._db.write() as conn:
                for ended in self._ended:
                    await outbox.finish(conn, self._owner, ended, self._now_ms())
                await outbox.give_back(conn, self._owner)
        await self._caller.close()

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    async def _run(self) -> None:
        with self._notifier.listening(ANY) as changed:
            while True:
                try:
                    wait_s = await self._round()
                except StoreError as error:
                    log.warning("webhooks wait for the store: %s", error)
                    await asyncio.sleep(RETRY_S)
                except Exception:
                    log.exception("the webhook loop met an error, and goes on")
                    await asyncio.sleep(RETRY_S)
                else:
                    await changed(wait_s)

    async def _round(self) -> float:
        """Record finished deliveries and claim due ones; returns the seconds until the next round."""
        await self._tidy()
        now_ms = self._now_ms()
        async with self._db.read() as conn:
            registered = {webhook.webhook_id: webhook for webhook in await webhooks.list_all(conn)}
            self._forget_all_but(registered)
            next_ms = {name: await outbox.due(conn, name, now_ms) for name in registered}
        ready = [name for name, at in next_ms.items() if at is not None and at <= now_ms and self._slots(name, now_ms)]
        for ended in self._ended:
            if ended.again_ms is not None:
                name = ended.claim.webhook_id
                next_ms[name] = min(ended.again_ms, next_ms.get(name) or ended.again_ms)
        if ready or self._ended:
            await self._finish_and_claim(registered, ready, now_ms)
        return self._until_next(next_ms, now_ms)

    async def _finish_and_claim(self, registered: dict[str, Webhook], ready: list[str], now_ms: int) -> None:
        ended, claims = list(self._ended), list[DeliveryClaim]()
        lease_ms = int((self._settings.timeout_s + LEASE_MARGIN_S) * 1000)
        free = IN_FLIGHT - len(self._under_way)
        async with self._db.write() as conn:
            for one in ended:
                await outbox.finish(conn, self._owner, one, now_ms)
            # A finished delivery may make the next event of its subject due.
            for name in dict.fromkeys([*ready, *(one.claim.webhook_id for one in ended)]):
                limit = min(self._slots(name, now_ms) if name in registered else 0, free - len(claims))
                if limit > 0:
                    claims += await outbox.claim(conn, name, self._owner, now_ms=now_ms, lease_ms=lease_ms, limit=limit)
        del self._ended[: len(ended)]
        for claim in claims:
            self._receivers[claim.webhook_id].under_way += 1
            task = asyncio.create_task(self._deliver(registered[claim.webhook_id], claim))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    def _slots(self, name: str, now_ms: int) -> int:
        """Free slots of a receiver within its share of `IN_FLIGHT`, so that a slow receiver takes no more."""
        share = max(1, min(EACH, IN_FLIGHT // len(self._receivers)))
        return self._receivers[name].slots(share, now_ms)

    async def _deliver(self, webhook: Webhook, claim: DeliveryClaim) -> None:
        receiver = self._receivers[claim.webhook_id]
        try:
            answer = await self._caller.call(webhook, claim, self._now_ms())
            self._ended.append(self._judged(receiver, claim, answer))
        finally:
            receiver.under_way -= 1
            self._notifier.notify(claim.webhook_id)

    def _judged(self, receiver: Receiver, claim: DeliveryClaim, answer: CallResult) -> DeliveryOutcome:
        """Turn the result of a call into a delivery outcome, and update the state of the receiver."""
        if answer.error is None:
            receiver.failures = receiver.paused_until_ms = 0
            return DeliveryOutcome(claim)
        now_ms = self._now_ms()
        if answer.down:
            receiver.failures += 1
            over = receiver.failures - DOWN_AFTER + 1
            pause_s = max(
                min(PAUSE_MAX_S, self._backoff.pause_s(over, self._chance())) if over > 0 else 0.0, answer.retry_after_s
            )
            receiver.paused_until_ms = now_ms + int(pause_s * 1000)
        else:
            receiver.failures = 0
        log.warning("webhook %s: event %d not delivered: %s", claim.webhook_id, claim.event_seq, answer.error)
        if claim.attempts + 1 >= self._settings.max_attempts:
            return DeliveryOutcome(claim, answer.error)
        pause_s = max(self._backoff.pause_s(claim.attempts + 1, self._chance()), answer.retry_after_s)
        return DeliveryOutcome(claim, answer.error, now_ms + int(pause_s * 1000))

    def _until_next(self, next_ms: dict[str, int | None], now_ms: int) -> float:
        """Seconds until a delivery is due for an idle receiver, at most `LOOK_S`: other processes may add events."""
        times = [
            max(at, self._receivers[name].paused_until_ms) - now_ms
            for name, at in next_ms.items()
            if at is not None and name in self._receivers and not self._receivers[name].under_way
        ]
        return max(0.0, min([LOOK_S, *(ms / 1000 for ms in times if ms > 0)]))

    def _forget_all_but(self, registered: dict[str, Webhook]) -> None:
        for name in registered:
            self._receivers.setdefault(name, Receiver())
        for name in [name for name in self._receivers if name not in registered]:
            if not self._receivers[name].under_way:
                del self._receivers[name]

    async def _tidy(self) -> None:
        now = self._clock()
        if now - self._tidied < TIDY_S:
            return
        async with self._db.write() as conn:
            given_up = await outbox.expire(conn, int((now - self._settings.expire_hours * 3600) * 1000))
            await outbox.forget(conn, int((now - self._settings.keep_days * 86_400) * 1000))
        self._tidied = now
        if given_up:
            log.warning("webhooks: %d events were too old to be delivered, and went to the dead letters", given_up)
