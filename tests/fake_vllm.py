"""Behaves like the vllm program. `--fake` selects how: well, fails, stubborn, hangs, children."""

from __future__ import annotations

import argparse
import asyncio
import signal
import subprocess
import sys
from pathlib import Path

from tests.paths import ROOT

SCRIPT = """#!{python}
import sys
sys.path.insert(0, {root!r})
from tests.fake_vllm import main
main()
"""


def install(folder: Path) -> str:
    """Write an executable `vllm`; returns its path."""
    path = folder / "vllm"
    path.write_text(SCRIPT.format(python=sys.executable, root=str(ROOT)), "utf-8")
    path.chmod(0o755)
    return str(path)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("command")
    parser.add_argument("model")
    parser.add_argument("--port", type=int)
    parser.add_argument("--fake", default="well")
    parser.add_argument("--pids", type=Path)
    known, rest = parser.parse_known_args()
    print(f"vllm fake {known.command} {known.model} {' '.join(rest)}", flush=True)
    if known.fake == "fails":
        print("ValueError: no GPU for you", file=sys.stderr, flush=True)
        sys.exit(3)
    if known.fake in ("stubborn", "children"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if known.fake == "children":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        known.pids.write_text(str(child.pid))
    asyncio.run(_serve(known.port, known.model, healthy=known.fake != "hangs"))


async def _serve(port: int, model: str, *, healthy: bool) -> None:
    from tests.fake_openai import FakeOpenAI

    server = FakeOpenAI(model=model)
    server.port, server.healthy = port, healthy
    await server.start()
    await asyncio.Event().wait()
