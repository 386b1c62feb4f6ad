"""Runs a program and ends it, with all its children, when the owner of this guard process ends.

Usage: `python -m pixel_agent.engines.openai.process_guard PROGRAM [ARGUMENT…]`. The owner starts the guard in a new
session and leaves the guard's standard input open. When it closes (by the owner, or because the owner died), or when
the guard gets SIGTERM, the guard sends SIGTERM to the program. `GRACE_S` later, or after the program's own end, it
kills the whole process group.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

GRACE_S = 4.0


def main(argv: Sequence[str]) -> None:
    """Run the program to its end, then kill the guard's own process group, so that this never returns.

    Exits with status 127 if the program cannot be started.
    """
    try:
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL)  # noqa: S603  # the operator's own program
    except OSError as error:
        print(f"{argv[0]} cannot be started: {error.strerror}", flush=True)
        sys.exit(127)

    def end(_signal: int = 0, _frame: FrameType | None = None) -> None:
        child.terminate()
        threading.Timer(GRACE_S, _kill_group).start()

    def wait_for_owner() -> None:
        with suppress(OSError):
            while os.read(0, 4096):
                pass
        end()

    signal.signal(signal.SIGTERM, end)
    threading.Thread(target=wait_for_owner, daemon=True).start()
    code = child.wait()
    print(f"{argv[0]} ended with code {code}", flush=True)
    _kill_group()


def _kill_group() -> None:
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1:])
