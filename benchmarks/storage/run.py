"""Response times of the history: every list, filter and search over many records, from the store and over HTTP."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import httpx
import typer
from pydantic import JsonValue

from benchmarks.load.result import percentile
from benchmarks.reference.servers import free_port
from benchmarks.report import show
from benchmarks.storage.queries import Question, as_query, questions, somewhere
from benchmarks.storage.records import fill, shop
from pixel_agent.core.settings import Settings, load
from pixel_agent.storage import scans as records
from pixel_agent.storage.records import Position, ScanFilter
from pixel_agent.storage.store import Store

BAR_MS = 50.0
"""Limit for every list at the 95th percentile, in milliseconds."""
PAGE = 50
START_S = 60.0
OTHER_LISTS = ("/v1/stores", f"/v1/stores/{shop(0)}", f"/v1/stores/{shop(7)}", "/v1/batches", "/v1/accuracy")

Ask = Callable[[ScanFilter, Position | None], Awaitable[object]]


def bench_store(
    scans: Annotated[int, typer.Option(min=100, help="Records in the store.")] = 100_000,
    times: Annotated[int, typer.Option(min=1, help="How often each question is asked.")] = 100,
    database: Annotated[str, typer.Option(help="URL of an empty PostgreSQL database; empty: SQLite.")] = "",
    folder: Annotated[
        Path | None, typer.Option(help="Where the store is made, or found again; unset: temporary.")
    ] = None,
    http: Annotated[bool, typer.Option(help="Ask a server too.")] = True,
    json_path: Annotated[Path | None, typer.Option("--json", help="Write the rows to this file.")] = None,
) -> None:
    """Ask for every kind of list, filter and search over made-up records: milliseconds a page of 50."""
    with TemporaryDirectory(prefix="pixel-agent-bench-") as temporary:
        settings = load({"data_dir": str(folder or temporary), "store": {"url": database}}, environment={})
        made_s, rows = asyncio.run(_from_store(settings, scans, times))
        if http:
            with _serving(settings) as url:
                rows = asyncio.run(_over_http(url, rows, scans, times))
    kind = "PostgreSQL" if database else "SQLite"
    worst = max(max(_number(row["p95 ms"]), _number(row.get("HTTP p95 ms"))) for row in rows)
    title = f"Lists of {scans:,} records, {kind}: worst p95 {worst:.1f} ms, bar {BAR_MS:g} ms (made in {made_s:.0f} s)"
    show(title, rows, json_path=json_path)


async def _from_store(settings: Settings, number: int, times: int) -> tuple[float, list[dict[str, JsonValue]]]:
    store = Store(settings)
    await store.open()
    store.check()
    began = time.perf_counter()
    await _filled(store, number)
    made_s = time.perf_counter() - began

    async def ask(wanted: ScanFilter, after: Position | None) -> int:
        async with store.db.read() as conn:
            return len(await records.page(conn, wanted, after, PAGE))

    rows = []
    for question in questions():
        found, taken = await _asked(question, ask, number, times)
        rows.append({"question": question.name, "found": found, **_columns("", taken)})
    await store.close()
    return made_s, rows


async def _filled(store: Store, number: int) -> None:
    async with store.db.read() as conn:
        found = await records.page(conn, ScanFilter(), None, 1)
    if not found:
        await fill(store, number)
    await store.retention.refresh_statistics()


async def _over_http(url: str, rows: list[dict[str, JsonValue]], number: int, times: int) -> list[dict[str, JsonValue]]:
    async with httpx.AsyncClient(base_url=url, timeout=START_S) as client:

        async def ask(wanted: ScanFilter, after: Position | None) -> object:
            return (await client.get(f"/v1/scans?{as_query(wanted, after, PAGE)}")).raise_for_status()

        taken = [(await _asked(question, ask, number, times))[1] for question in questions()]
        rows = [{**row, **_columns("HTTP ", some)} for row, some in zip(rows, taken, strict=True)]
        for path in OTHER_LISTS:
            some = [await _timed(client.get(path)) for _ in range(times)]
            rows.append({**dict.fromkeys(rows[0]), "question": f"GET {path}", **_columns("HTTP ", some)})
    return rows


async def _asked(question: Question, ask: Ask, number: int, times: int) -> tuple[JsonValue, list[float]]:
    """Number of scans in the last answer, and the seconds of each answer. The first answer does not count."""
    chance = random.Random(question.name)
    taken, answer = [], None
    for _ in range(times + 1):
        wanted, after = question.ask(chance, number), somewhere(chance, number) if question.deep else None
        began = time.perf_counter()
        answer = await ask(wanted, after)
        taken.append(time.perf_counter() - began)
    return answer if isinstance(answer, int) else None, taken[1:]


async def _timed(answer: Awaitable[httpx.Response]) -> float:
    began = time.perf_counter()
    (await answer).raise_for_status()
    return time.perf_counter() - began


def _columns(prefix: str, taken: list[float]) -> dict[str, JsonValue]:
    ordered = sorted(value * 1000 for value in taken)
    return {
        f"{prefix}p50 ms": round(percentile(ordered, 0.5), 1),
        f"{prefix}p95 ms": round(percentile(ordered, 0.95), 1),
        f"{prefix}max ms": round(ordered[-1], 1),
    }


def _number(value: JsonValue) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


@contextmanager
def _serving(settings: Settings) -> Iterator[str]:
    """Start a server on the same store; yields its address."""
    port = free_port()
    environment = {
        **os.environ,
        "PIXEL_AGENT_DATA_DIR": str(settings.data_dir),
        "PIXEL_AGENT_STORE__URL": settings.store.url.get_secret_value(),
    }
    start = "from pixel_agent.cli.main import main; main()"
    command = [sys.executable, "-c", start, "serve", "--engine", "simulated", "--port", str(port)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(f"http://127.0.0.1:{port}", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < end:
        try:
            if httpx.get(f"{url}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise RuntimeError("The server does not start.")
