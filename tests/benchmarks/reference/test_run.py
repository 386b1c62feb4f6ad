from __future__ import annotations

from pathlib import Path

import pytest
import typer

from benchmarks.load.answer import Outcome
from benchmarks.load.photos import shelf_photo, write_photos
from benchmarks.load.plan import Plan, Stream
from benchmarks.load.record import Record, Run
from benchmarks.load.result import Window, summarise
from benchmarks.load.scenarios import Measured, scenarios
from benchmarks.load.uploads import Uploads
from benchmarks.load.watch import DeviceCount, LogProbe, Watched
from benchmarks.reference.device import Device
from benchmarks.reference.photos import decode_full, decode_resized, decode_small, digest_of, file_of
from benchmarks.reference.report import Row, table, verdicts
from benchmarks.reference.run import bench_reference
from benchmarks.reference.servers import SERVERS, Missing, Server, running, scan_once


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "device.log"
    monkeypatch.setenv("REFERENCE_DEVICE_LOG", str(path))
    return path


def test_the_device_logs_each_batch_with_the_time_it_takes(log: Path) -> None:
    assert Device().run(["a", "b"]) == ["simulated device: a", "simulated device: b"]
    ((start, end, digests),) = LogProbe(log).batches()
    assert digests == ("a", "b")
    assert end - start == pytest.approx(0.117 + 2 * 0.008, abs=1e-5)
    counted = LogProbe(log).read()
    assert counted is not None
    assert (counted.batches, counted.items) == (1, 2)
    assert counted.busy_s == pytest.approx(0.133, abs=1e-5)


@pytest.mark.parametrize("count", [0, 17])
def test_the_device_refuses_batches_that_it_cannot_take(log: Path, count: int) -> None:
    with pytest.raises(ValueError, match="1 to 16"):
        Device().run(["x"] * count)
    assert LogProbe(log).read() == DeviceCount(0.0, 0, 0)


def test_every_way_to_decode_names_the_upload() -> None:
    photo = shelf_photo(0, 60_000)
    assert {decode(photo) for decode in (decode_full, decode_resized, decode_small)} == {digest_of(photo)}


def test_the_file_is_found_in_the_body_that_the_client_sends() -> None:
    digest, parts = Uploads([shelf_photo(0, 60_000)], "x").next(
        Plan("h", 1, [], []), Stream("s", fields={"task": "ask"})
    )
    body = b"".join(parts).split(b"\r\n\r\n", 1)[1]
    assert digest_of(file_of(body)) == digest


@pytest.mark.bench
def test_a_server_is_started_answers_a_photo_and_is_gone_afterwards(tmp_path: Path) -> None:
    (photo,) = write_photos(tmp_path, 1, 60_000)
    server = next(one for one in SERVERS if one.name == "synchronous")
    with running(server, photo, "ask", tmp_path) as up:
        counted = LogProbe(up.device_log).read()
        assert counted is not None
        assert counted.items == 1
    with pytest.raises(OSError, match="refused"):
        scan_once(up.port, photo, "ask")


def test_a_stack_that_is_not_installed_says_how(tmp_path: Path) -> None:
    server = next(one for one in SERVERS if one.name == "mosec")
    with pytest.raises(Missing, match="--install"), running(server, tmp_path / "none.jpg", "ask", tmp_path):
        pass


def test_an_unknown_server_is_refused_with_those_that_exist() -> None:
    with pytest.raises(typer.BadParameter, match="litserve"):
        bench_reference(servers="apache")


def row(server: Server, good: int) -> Row:
    records = [Record("scan", Outcome.GOOD, 3 + number / 100, 3, 3.5 + number / 100, 200) for number in range(good)]
    run = Run(0.0, 30.0, 0.0, records)
    scenario = scenarios()["closed64"]
    watched = Watched(None, 0, None, None, None, None, None, None, None)
    return Row(server, (Measured(scenario, run, summarise(run, scenario.window), watched),))


OURS = next(server for server in SERVERS if server.ours)
PAGE = next(server for server in SERVERS if server.name == "synchronous")
OTHER = Server("other", "Other", "another", "other")


def test_ours_is_held_against_the_best_of_the_others() -> None:
    lines = verdicts([row(OURS, 1300), row(OTHER, 1200), row(PAGE, 140)])
    assert lines == [
        "held: 64: good/s: 65, best of the others 60 (Other)",
        "held: 64 clients: 9.3 times the synchronous page (≥ 7.5)",
    ]
    assert verdicts([row(OURS, 1000), row(OTHER, 1200)])[0].startswith("NOT HELD")


def test_a_difference_of_less_than_a_batch_is_none() -> None:
    assert verdicts([row(OURS, 1290), row(OTHER, 1300)])[0].startswith("held")


def test_what_was_not_measured_stays_empty() -> None:
    (one,) = table([Row(OTHER, (), "not installed")])
    assert one.pop("server") == "Other"
    assert set(one.values()) == {None}


def test_the_window_of_every_scenario_lies_within_its_load() -> None:
    for scenario in scenarios(20.0, 2.0).values():
        ends = [stream.duration_s for stream in scenario.streams if stream.duration_s]
        assert scenario.window.start_s >= 0
        assert scenario.window == Window(0.0, 600.0) or ends == [scenario.window.end_s]
