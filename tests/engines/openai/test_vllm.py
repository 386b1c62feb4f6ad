from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from pixel_agent.core.errors import ConfigurationError, EngineUnavailable, ReplicaLost
from pixel_agent.core.settings import OpenAISettings, PoolSettings, SchedulerSettings, Settings, VllmSettings
from pixel_agent.engines.choice import engine_factories
from pixel_agent.engines.openai.vllm import VllmProcess, arguments, vllm_engines
from pixel_agent.scheduling.batcher import Batcher
from pixel_agent.scheduling.pool import Pool
from tests.fake_openai import EMPTY
from tests.fake_vllm import install
from tests.job_factory import make_job
from tests.waiting import until

OPENAI = OpenAISettings(
    max_in_flight=2, connect_timeout_s=50, check_s=0.05, check_timeout_s=50, lost_after_s=0.2, backoff_min_s=0.01
)


def process(folder: Path, fake: str = "well", stop_timeout_s: float = 1.0, more: str = "") -> VllmProcess:
    args = f"--fake {fake} {more}"
    return VllmProcess(VllmSettings(executable=install(folder), args=args, stop_timeout_s=stop_timeout_s), 10**6)


def alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def family(pid: int | None) -> list[int]:
    assert pid is not None
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]


def test_the_command_line_has_the_flags_that_matter() -> None:
    line = arguments(VllmSettings(model="m", max_queued=7, args="--quantization 'fp 8'"), 1234, 500_000)
    flags = dict(zip(line[2::2], line[3::2], strict=True))
    assert line[:2] == ["serve", "m"]
    assert json.loads(flags["--limit-mm-per-prompt"]) == {"image": 1, "video": 0}
    assert json.loads(flags["--mm-processor-kwargs"])["size"]["longest_edge"] == 500_000
    assert (flags["--scheduling-policy"], flags["--max-num-queued-reqs"]) == ("priority", "7")
    assert (flags["--host"], flags["--port"], flags["--quantization"]) == ("127.0.0.1", "1234", "fp 8")


def test_arguments_that_cannot_be_split_are_a_configuration_error() -> None:
    settings = Settings(engine="vllm", vllm=VllmSettings(args="'open"))
    with pytest.raises(ConfigurationError, match="vllm.args"):
        engine_factories(settings)


async def test_it_starts_is_healthy_and_leaves_nothing_behind(tmp_path: Path) -> None:
    vllm = process(tmp_path)
    [address] = await vllm.start()
    pids = family(vllm.pid)
    assert len(pids) == 2
    assert address.url.startswith("http://127.0.0.1:")
    await vllm.stop()
    await until(lambda: not any(map(alive, pids)))
    await vllm.stop()


async def test_a_missing_program_is_told_with_the_way_out() -> None:
    with pytest.raises(EngineUnavailable, match="nowhere/vllm") as caught:
        await VllmProcess(VllmSettings(executable="/nowhere/vllm"), 10**6).start()
    assert "vllm.executable" in caught.value.advice


async def test_a_failed_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    vllm = process(tmp_path, "fails")
    with pytest.raises(EngineUnavailable, match="no GPU for you") as caught:
        await vllm.start()
    assert "code 3" in caught.value.message
    await vllm.stop()


async def test_a_start_that_is_given_up_leaves_nothing_behind(tmp_path: Path) -> None:
    vllm = process(tmp_path, "hangs")
    starting = asyncio.ensure_future(vllm.start())
    await until(lambda: vllm.pid is not None and len(family(vllm.pid)) == 2)
    pids = family(vllm.pid)
    starting.cancel()
    with suppress(asyncio.CancelledError):
        await starting
    await vllm.stop()
    await until(lambda: not any(map(alive, pids)))


async def test_who_does_not_stop_is_killed_with_all_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    vllm = process(tmp_path, "children", stop_timeout_s=0.3, more=f"--pids {pids}")
    await vllm.start()
    everybody = family(vllm.pid)
    assert int(pids.read_text()) in everybody
    await vllm.stop()
    await until(lambda: not any(map(alive, everybody)))


async def test_its_death_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    vllm = process(tmp_path)
    await vllm.start()
    died = asyncio.ensure_future(vllm.died())
    os.kill(family(vllm.pid)[1], signal.SIGKILL)
    error = await died
    assert isinstance(error, ReplicaLost)
    assert "vllm fake serve" in error.message
    await vllm.stop()


OWNER = """
import asyncio, sys
from pixel_agent.core.settings import VllmSettings
from pixel_agent.engines.openai.vllm import VllmProcess
async def main():
    vllm = VllmProcess(VllmSettings(executable=sys.argv[1], args=sys.argv[2]), 10**6)
    await vllm.start()
    print(vllm.pid, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


async def test_nothing_survives_an_owner_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OWNER, install(tmp_path), "--fake well"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        line = await asyncio.to_thread(owner.stdout.readline)
        pids = family(int(line))
        assert len(pids) == 2
        owner.kill()
    await until(lambda: not any(map(alive, pids)))


async def test_the_engine_answers_is_restarted_after_a_death_and_stops_it_at_the_end(tmp_path: Path) -> None:
    settings = VllmSettings(executable=install(tmp_path), model="some/model", stop_timeout_s=1)
    factories = vllm_engines(settings, OPENAI)
    pool = Pool(factories, PoolSettings(restart_min_s=0.05, recovery_s=120))
    batcher = Batcher(pool, SchedulerSettings())
    assert (len(factories), pool.engine.info.name, pool.engine.info.model) == (2, "vllm", "some/model")
    await batcher.start()
    try:
        assert (await batcher.submit(make_job())).text == EMPTY
        me = psutil.Process()
        [guard] = [child for child in me.children() if "pixel_agent.engines.openai.process_guard" in child.cmdline()]
        os.kill(family(guard.pid)[1], signal.SIGKILL)
        await until(lambda: not pool.ready)
        assert (await batcher.submit(make_job())).text == EMPTY
        pids = [
            child.pid
            for child in me.children(recursive=True)
            if "pixel_agent.engines.openai.process_guard" in child.cmdline()
        ]
    finally:
        await batcher.stop()
    assert len(pids) == 1
    await until(lambda: not any(map(alive, pids)))
