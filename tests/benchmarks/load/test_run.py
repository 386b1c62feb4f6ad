from __future__ import annotations

import asyncio
import hashlib
import io
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from benchmarks.load.answer import Answer, Outcome, judge, parse_answer
from benchmarks.load.client import Client
from benchmarks.load.photos import shelf_photo
from benchmarks.load.plan import Plan, Stream
from benchmarks.load.record import Record, Run
from benchmarks.load.result import Summary, Window, percentile, summarise
from benchmarks.load.run import bench_load, pick
from benchmarks.load.scenarios import Bar, Measured, custom, scenarios
from benchmarks.load.uploads import Uploads
from benchmarks.load.watch import Watched
from tests.waiting import until

PHOTO = b"\xff\xd8" + bytes(range(256)) * 40 + b"\xff\xd9"
BIG_PHOTO = b"\xff\xd8" + bytes(6_000_000) + b"\xff\xd9"

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter, int, int], Awaitable[bool]]


def answer(status: int, content: object, *headers: str) -> bytes:
    body = json.dumps(content).encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[int]:
    """A server that gives each request's body length and number to the handler, until that returns False."""
    count = 0

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"Content-Length: (\d+)", head)
                count += 1
                if not await handler(reader, writer, int(length[1]) if length else 0, count):
                    break
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def good(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int, number: int) -> bool:
    body = await reader.readexactly(length)
    if not body:
        writer.write(answer(200, {}))
        return True
    start, end = body.index(b"\xff\xd8"), body.rindex(b"\xff\xd9") + 2
    writer.write(answer(200, {"status": "success", "result": hashlib.sha256(body[start:end]).hexdigest()}))
    return True


def says(status: int, *headers: str) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int, number: int) -> bool:
        await reader.readexactly(length)
        writer.write(answer(status, {}, *headers))
        return True

    return handler


def client_of(port: int, *streams: Stream, photo: bytes = PHOTO, send_buffer_bytes: int = 0) -> Client:
    return Client(Plan("127.0.0.1", port, [], list(streams), send_buffer_bytes=send_buffer_bytes), [photo])


async def run(port: int, *streams: Stream, photo: bytes = PHOTO, send_buffer_bytes: int = 0) -> Run:
    return await ran(client_of(port, *streams, photo=photo, send_buffer_bytes=send_buffer_bytes))


async def ran(client: Client) -> Run:
    await asyncio.to_thread(client.run, time.monotonic())
    return Run(0.0, client.now(), 0.0, [request.record() for request in client.records])


def outcomes(noted: Run) -> list[Outcome]:
    return [record.outcome for record in noted.records]


async def test_good_answers_are_verified_by_the_upload_they_name() -> None:
    async with serving(good) as port:
        noted = await run(port, Stream("closed", clients=3, count=9))
    assert outcomes(noted) == [Outcome.GOOD] * 9
    assert len({record.sha256 for record in noted.records}) == 9


async def test_an_answer_that_names_another_upload_is_wrong() -> None:
    async def mixed_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int, number: int) -> bool:
        await reader.readexactly(length)
        writer.write(answer(200, {"result": hashlib.sha256(b"another").hexdigest()}))
        return True

    async with serving(mixed_up) as port:
        assert outcomes(await run(port, Stream("closed", clients=1, count=2))) == [Outcome.WRONG] * 2


@pytest.mark.parametrize(("headers", "told"), [((), False), (("Retry-After: 0",), True)])
async def test_refusals_with_and_without_a_time_to_come_back_are_told_apart(
    headers: tuple[str, ...], told: bool
) -> None:
    async with serving(says(503, *headers)) as port:
        noted = await run(port, Stream("open", rate=100, count=3))
    assert outcomes(noted) == [Outcome.REFUSED] * 3
    assert [record.retry_after for record in noted.records] == [told] * 3


async def test_other_statuses_are_other() -> None:
    async with serving(says(500)) as port:
        assert outcomes(await run(port, Stream("open", rate=100, count=2))) == [Outcome.OTHER] * 2


async def test_a_server_that_hangs_up_counts_as_a_reset() -> None:
    async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int, number: int) -> bool:
        return False

    async with serving(hangs_up) as port:
        assert outcomes(await run(port, Stream("open", rate=100, count=2))) == [Outcome.RESET] * 2


async def test_nobody_listening_counts_as_a_reset() -> None:
    async with serving(good) as port:
        pass
    assert outcomes(await run(port, Stream("open", rate=100, count=2))) == [Outcome.RESET] * 2


async def test_a_silent_server_times_out() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int, number: int) -> bool:
        await reader.read()
        return False

    async with serving(silent) as port:
        noted = await run(port, Stream("open", rate=100, count=2, timeout_s=0.1))
    assert outcomes(noted) == [Outcome.TIMEOUT] * 2


async def test_clients_that_leave_hang_up() -> None:
    gone = asyncio.Event()

    async def waits(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        gone.set()
        writer.close()

    async with await asyncio.start_server(waits, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        noted = await run(port, Stream("leaving", clients=1, count=1, leave_after_s=0.1))
        await gone.wait()
    assert outcomes(noted) == [Outcome.LEFT]


async def test_an_early_refusal_is_noticed_and_the_connection_used_again() -> None:
    async def refuses_early(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int, number: int
    ) -> bool:
        if number == 1:
            writer.write(answer(503, {}, "Retry-After: 0"))
            await asyncio.sleep(0.1)
            await reader.readexactly(length)
            return True
        return await good(reader, writer, length, number)

    async with serving(refuses_early) as port:
        noted = await run(port, Stream("closed", clients=1, count=2), photo=BIG_PHOTO, send_buffer_bytes=65536)
    assert outcomes(noted) == [Outcome.REFUSED, Outcome.GOOD]
    assert [record.early for record in noted.records] == [True, False]
    assert not any(record.cut_off for record in noted.records)


async def test_a_connection_broken_after_an_early_answer_is_noted() -> None:
    async def refuses_and_breaks(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int, number: int
    ) -> bool:
        if number == 2:  # keeps the client running until it has noticed
            await until(lambda: client.records[0].cut_off)
            return False
        writer.write(answer(503, {}, "Retry-After: 0"))
        await writer.drain()
        await until(lambda: client.records[0].outcome is not None)
        writer.transport.abort()
        return False

    async with serving(refuses_and_breaks) as port:
        streams = Stream("bulk", clients=1, count=1), Stream("wait", rate=1, count=1, start_s=0.1)
        client = client_of(port, *streams, photo=BIG_PHOTO, send_buffer_bytes=65536)
        noted = await ran(client)
    assert (noted.records[0].outcome, noted.records[0].cut_off) == (Outcome.REFUSED, True)


async def test_a_refused_backlog_comes_back_until_it_is_answered() -> None:
    async def third_time(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int, number: int) -> bool:
        return await (good if number > 2 else says(503, "Retry-After: 0"))(reader, writer, length, number)

    async with serving(third_time) as port:
        assert outcomes(await run(port, Stream("bulk", clients=1, count=1, retry=True))) == [Outcome.GOOD]


@pytest.mark.bench
async def test_the_command_writes_numbers_and_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def command(port: int) -> None:
        bench_load(
            url=f"http://127.0.0.1:{port}",
            rate=20,
            duration=0.5,
            warm_up=0.1,
            photos=1,
            photo_bytes=50_000,
            json_path=tmp_path / "load.json",
            report_path=tmp_path / "load.md",
        )

    async with serving(good) as port:
        await asyncio.to_thread(command, port)
    (load,) = json.loads((tmp_path / "load.json").read_text("utf-8"))["loads"]
    assert (load["result"]["offered"], load["result"]["good"], load["result"]["wrong"]) == (10, 10, 0)
    assert "the client used" in (tmp_path / "load.md").read_text("utf-8")
    assert "20/s" in capsys.readouterr().out


def test_arrivals_of_an_open_loop_are_evenly_spaced() -> None:
    stream = Stream("open", rate=500, start_s=1.0, duration_s=2.0)
    assert [stream.scheduled(number) for number in (0, 1, 500)] == [1.0, 1.002, 2.0]
    assert not stream.ended(999, stream.scheduled(999))
    assert stream.ended(1000, stream.scheduled(1000))


def test_a_stream_with_a_count_ends_there() -> None:
    assert [Stream("closed", clients=1, count=2).ended(number, 0.0) for number in (0, 1, 2)] == [False, False, True]


def test_uploads_differ_and_carry_the_digest_they_are_said_to_have() -> None:
    plan, stream = Plan("h", 1, [], []), Stream("s", fields={"task": "price_tag"})
    uploads = Uploads([shelf_photo(0, 60_000)], "seed")
    seen = set()
    for _ in range(3):
        digest, parts = uploads.next(plan, stream)
        head, body = b"".join(parts).split(b"\r\n\r\n", 1)
        file = body[body.index(b"\xff\xd8") : body.rindex(b"\xff\xd9") + 2]
        assert f"Content-Length: {len(body)}".encode() in head
        assert b"Cache-Control: no-cache" in head
        assert hashlib.sha256(file).hexdigest() == digest
        assert Image.open(io.BytesIO(file)).convert("RGB").size == (1600, 1200)
        seen.add(digest)
    assert len(seen) == 3


def test_uploads_refuse_what_is_no_jpeg() -> None:
    with pytest.raises(ValueError, match="JPEG"):
        Uploads([b"GIF89a"], "seed")


def test_photos_are_the_same_each_time_and_near_their_target_size() -> None:
    photo = shelf_photo(3, 200_000)
    assert photo == shelf_photo(3, 200_000)
    assert abs(len(photo) - 200_000) < 10_000


@given(st.integers(0, 200))
@settings(deadline=None, max_examples=50)
def test_an_answer_is_read_once_it_is_complete(cut: int) -> None:
    whole = b"HTTP/1.1 100 Continue\r\n\r\n" + answer(503, {"a": "b"}, "Retry-After: 7", "Connection: close")
    found = parse_answer(whole[:cut])
    if cut < len(whole):
        assert found is None
    else:
        assert found == Answer(503, b'{"a": "b"}', "7", keep_alive=False)


def test_a_chunked_answer_is_put_together() -> None:
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=1\r\nde\r\n0\r\n\r\n"
    assert parse_answer(data) == Answer(200, b"abcde", None, keep_alive=True)
    assert parse_answer(data[:-2]) is None


def test_an_answer_without_length_ends_with_the_connection() -> None:
    data = b"HTTP/1.0 200 OK\r\n\r\nabc"
    assert parse_answer(data) is None
    assert parse_answer(data, closed=True) == Answer(200, b"abc", None, keep_alive=False)


def test_bytes_that_are_no_answer_are_an_error() -> None:
    with pytest.raises(ValueError, match="not HTTP"):
        parse_answer(b"SSH-2.0-x\r\n\r\n")


def test_an_answer_that_names_no_upload_is_unverified_and_one_without_json_wrong() -> None:
    assert judge(Answer(200, b"{}", None, keep_alive=True), "0" * 64) is Outcome.UNVERIFIED
    assert judge(Answer(200, b"<html>", None, keep_alive=True), "0" * 64) is Outcome.WRONG


def test_percentiles_are_nearest_rank() -> None:
    values = [float(value) for value in range(1, 101)]
    assert [percentile(values, share) for share in (0.5, 0.9, 0.99, 1.0)] == [50, 90, 99, 100]
    assert percentile([7.0], 0.99) == 7.0


@given(st.lists(st.floats(0, 1e3), min_size=1), st.floats(0, 1))
@settings(deadline=None, max_examples=100)
def test_a_percentile_is_a_value_that_enough_do_not_exceed(values: list[float], share: float) -> None:
    ordered = sorted(values)
    found = percentile(ordered, share)
    assert found in ordered
    assert sum(value <= found for value in ordered) >= share * len(ordered) - 1e-6


def test_a_summary_of_nothing_is_nothing() -> None:
    assert Summary.of([]) is None


def noted(*records: Record) -> Run:
    return Run(0.0, 10.0, 0.0, list(records))


def test_only_what_was_due_inside_the_window_counts_and_each_once() -> None:
    run = noted(
        Record("a", Outcome.GOOD, 0.5, 0.5, 1.5),
        Record("a", Outcome.GOOD, 1.0, 1.0, 1.25),
        Record("a", Outcome.REFUSED, 1.5, 1.5, 1.6, 503, retry_after=True),
        Record("a", Outcome.REFUSED, 1.5, 1.5, 1.6, 429),
        Record("a", Outcome.TIMEOUT, 2.0, 2.0, 7.0),
        Record("a", Outcome.RESET, 2.5, 2.5, 2.5),
        Record("b", Outcome.GOOD, 2.5, 2.5, 2.6),
        Record("a", Outcome.GOOD, 2.9, 2.9, 3.5),
        Record("a", Outcome.GOOD, 3.0, 3.0, 3.1),
    )
    result = summarise(run, Window(1.0, 3.0), "a")
    assert (result.offered, result.good, result.refused, result.timeouts, result.resets) == (6, 2, 2, 1, 1)
    assert (result.refused_with_retry_after, result.refused_without, result.lost) == (1, 1, 2)
    assert result.good_per_s == 1.0
    assert result.latency is not None
    assert result.latency.max_ms == pytest.approx(600.0)


def test_a_late_client_is_not_trusted() -> None:
    assert summarise(noted(Record("a", Outcome.GOOD, 1.0, 1.02, 2.0)), Window(0, 9)).on_time
    assert not summarise(noted(Record("a", Outcome.GOOD, 1.0, 1.2, 2.0)), Window(0, 9)).on_time


def measured(run: Run, items_in_all: int | None = None) -> Measured:
    watched = Watched(None, 0, None, None, None, None, None, None, items_in_all)
    scenario = scenarios()["leavers"]
    return Measured(scenario, run, summarise(run, scenario.window), watched)


def test_scans_that_ran_beyond_those_answered_were_abandoned() -> None:
    run = noted(Record("patient", Outcome.GOOD, 0, 0, 1, 200), Record("leaving", Outcome.LEFT, 0, 0, 0.5))
    assert [measured(run, ran).abandoned for ran in (None, 1, 2)] == [None, 0, 1]


def test_a_bar_holds_only_for_a_number_that_was_measured() -> None:
    one = measured(noted(Record("a", Outcome.GOOD, 0, 0, 1, 200)))
    assert Bar("x", lambda m: 5.0, at_most=5).holds(one)
    assert not Bar("x", lambda m: 5.0, at_least=6).holds(one)
    assert not Bar("x", lambda m: None, at_most=5).holds(one)


def test_a_backlog_takes_from_its_first_request_to_its_last_answer() -> None:
    answered = noted(Record("bulk", Outcome.GOOD, 1, 1, 4, 200), Record("bulk", Outcome.GOOD, 2, 2, 9, 200))
    lost = noted(Record("bulk", Outcome.TIMEOUT, 1, 1, 4))
    assert (measured(answered).backlog_s, measured(lost).backlog_s) == (8, None)


def test_a_load_from_the_command_line_combines_its_loops() -> None:
    scenario = custom(4, 30.0, 10.0, 2.0, 0.5, 100, 5.0)
    assert [stream.name for stream in scenario.streams] == ["open", "closed", "bulk"]
    assert scenario.counted == "open"
    assert custom(0, 0.0, 10.0, 2.0, 0.0, 0, 5.0).streams[0].clients == 64


def test_an_unknown_scenario_is_refused_with_those_that_exist() -> None:
    assert [one.name for one in pick(scenarios(), "one,open30")] == ["one", "open30"]
    with pytest.raises(typer.BadParameter, match="closed64"):
        pick(scenarios(), "nothing")
