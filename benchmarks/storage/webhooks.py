"""Webhooks with a receiver that is down for a while: does every event arrive later, once, signed, and in order?"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from pydantic import JsonValue

from benchmarks.load.photos import shelf_photo
from benchmarks.reference.servers import free_port
from benchmarks.report import show
from benchmarks.storage.webhook_receiver import Received, Receiver
from pixel_agent.client import AsyncClient, Retries, WebhookEvent, WebhookRefused, verify_webhook

PHOTO_BYTES = 60_000
AT_ONCE = 16
LATEST_S = 180.0
"""Longest wait for the last event after the receiver is back."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The parameters of the test."""

    scans: int
    down_s: float
    servers: int
    refuse_every: int
    database: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The results of the test."""

    owed: int
    back_s: float
    received: Sequence[Received]
    secret: str

    def found(self, plan: Plan) -> dict[str, JsonValue]:
        """The results as a row of a table."""
        taken = [one for one in self.received if one.taken]
        times = Counter(one.message_id for one in taken)
        events = [event for one in taken if (event := _proven(one, self.secret)) is not None]
        return {
            "scans": plan.scans,
            "servers": plan.servers,
            "database": plan.database.partition(":")[0] or "sqlite",
            "down s": plan.down_s,
            "events owed": self.owed,
            "delivered": len(times),
            "lost": self.owed - len(times),
            "twice": sum(number - 1 for number in times.values()),
            "signature proven": len(events),
            "scans out of order": _out_of_order(events),
            "refused with 500": sum(not one.taken for one in self.received),
            "first after s": round(taken[0].at_s - self.back_s, 2),
            "all after s": round(taken[-1].at_s - self.back_s, 2),
        }


def bench_webhooks(
    scans: Annotated[int, typer.Option(help="Scans; each makes two events, the second while it may still wait.")] = 300,
    down_s: Annotated[float, typer.Option(help="How long the receiver is down, in seconds.")] = 60.0,
    servers: Annotated[int, typer.Option(help="Server processes that share one store.")] = 1,
    refuse_every: Annotated[int, typer.Option(help="Back again, it answers every so many-th with 500; 0: none.")] = 10,
    database: Annotated[str, typer.Option(help="A PostgreSQL URL of an empty database; else SQLite.")] = "",
    json_path: Annotated[Path | None, typer.Option("--json")] = None,
) -> None:
    """Receiver down: hand scans in and review them meanwhile, then count what comes once it is back."""
    plan = Plan(scans, down_s, servers, refuse_every, database)
    outcome = asyncio.run(_tried(plan))
    rows: list[dict[str, JsonValue]] = [{"what": what, "found": found} for what, found in outcome.found(plan).items()]
    show("Webhooks: the receiver was down", rows, json_path=json_path)


async def _tried(plan: Plan) -> Outcome:
    receiver = Receiver()
    await receiver.up()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        urls = [await stack.enter_async_context(_serving(folder, plan.database)) for _ in range(plan.servers)]
        clients = [await stack.enter_async_context(AsyncClient(url, retries=Retries(attempts=20))) for url in urls]
        hook = await clients[0].create_webhook(receiver.url, ["scan.completed", "scan.reviewed"])
        await receiver.down()
        began = time.monotonic()
        await _hand_in(clients, plan.scans)
        await asyncio.sleep(max(0.0, began + plan.down_s - time.monotonic()))
        owed = len([one async for one in clients[0].deliveries("pending")])
        if plan.refuse_every:
            receiver.answers = ([204] * (plan.refuse_every - 1) + [500]) * (2 * plan.scans // plan.refuse_every)
        await receiver.up()
        back_s = time.monotonic()
        await receiver.until_taken(owed, LATEST_S)
        await asyncio.sleep(2.0)  # time for duplicates to arrive
        await receiver.down()
        return Outcome(owed, back_s, receiver.received, hook.secret)


async def _hand_in(clients: Sequence[AsyncClient], scans: int) -> None:
    """Scan and confirm readings: two events of each scan, in this order."""
    slots = asyncio.Semaphore(AT_ONCE)
    photo = shelf_photo(1, PHOTO_BYTES)

    async def one(number: int) -> None:
        async with slots:
            client = clients[number % len(clients)]
            accepted = await client.scan_later(photo + str(number).encode(), task="text_read")
            await client.wait(accepted.scan_id)
            await clients[-1].review(accepted.scan_id, "confirm", by="bench")

    async with asyncio.TaskGroup() as group:
        for number in range(scans):
            group.create_task(one(number))


def _proven(one: Received, secret: str) -> WebhookEvent | None:
    try:
        return verify_webhook(one.headers, one.body, secret)
    except WebhookRefused:
        return None


def _out_of_order(events: Sequence[WebhookEvent]) -> int:
    """Number of scans whose events arrived in the wrong order."""
    told = defaultdict[str, list[str]](list)
    for event in events:
        told[str(event.data.get("scan_id"))].append(event.type)
    return sum(kinds != ["scan.completed", "scan.reviewed"] for kinds in told.values())


@asynccontextmanager
async def _serving(folder: Path, database: str) -> AsyncIterator[str]:
    """Start a server that can send webhooks to this machine; yields its address."""
    port = free_port()
    environment = {
        **os.environ,
        "PIXEL_AGENT_DATA_DIR": str(folder),
        "PIXEL_AGENT_STORE__URL": database,
        "PIXEL_AGENT_WEBHOOKS__HOSTS": "127.0.0.1",
        "PIXEL_AGENT_WEBHOOKS__ALLOW_PRIVATE": "true",
        "PIXEL_AGENT_LOG_LEVEL": "error",
    }
    start = "from pixel_agent.cli.main import main; main()"
    command = [sys.executable, "-c", start, "serve", "--engine", "simulated", "--port", str(port)]
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        async with AsyncClient(url, retries=Retries(attempts=600, most_s=1.0)) as client:
            await client.tasks()
        yield url
    finally:
        process.terminate()
        await process.wait()
