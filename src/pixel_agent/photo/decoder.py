"""A decoder process of the photo stage: reads photos from a socket, decodes them, returns pixels in shared memory.

`python -m pixel_agent.photo.decoder FD` is the nursery: it imports the codecs once and forks a decoder, in a few
milliseconds, when the server requests one on that descriptor. A decoder has a memory limit and ends with the nursery;
the nursery ends when the server closes its end of the socket or dies. The server's side is `decoder_pool.py`.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import resource
import signal
import socket
import sys
from contextlib import suppress
from typing import Any, Final, NoReturn

from pixel_agent.core.errors import PixelAgentError
from pixel_agent.photo.shared_memory import read_bytes, share_bytes
from pixel_agent.photo.work import Order, assess, assessment_json, error_json, header_json, perform

MESSAGE_BYTES: Final = 65_536
_PR_SET_PDEATHSIG: Final = 1


def nursery(control: socket.socket) -> None:
    """Fork a decoder for each descriptor received, until the socket is closed."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # a signal to the process group is for the server, which ends the nursery
    gc.freeze()
    children: set[int] = set()
    buffered = b""
    while True:
        message, fds, _, _ = socket.recv_fds(control, MESSAGE_BYTES, 16)
        if not message:
            return
        *lines, buffered = (buffered + message).split(b"\n")
        for line in lines:
            children -= {pid for pid in children if os.waitpid(pid, os.WNOHANG)[0]}
            said = json.loads(line)
            if "kill" in said:
                if said["kill"] in children:  # not yet waited for, so no other process can have its id
                    os.kill(said["kill"], signal.SIGKILL)
            else:
                _fork(control, fds.pop(0), said, children)


def _fork(control: socket.socket, fd: int, terms: dict[str, Any], children: set[int]) -> None:
    """Fork one decoder. If the machine has no process left, close the descriptor; the server asks again later."""
    try:
        pid = os.fork()
    except OSError:
        os.close(fd)
        return
    if pid == 0:
        control.close()
        _decoder(socket.socket(fileno=fd), **terms)
    os.close(fd)
    children.add(pid)


def _decoder(orders: socket.socket, memory_bytes: int, niceness: int) -> NoReturn:
    """Serve orders until the socket is closed. Never returns into the nursery."""
    try:
        _limit(memory_bytes, niceness)
        _send(orders, {"pid": os.getpid()})
        while True:
            message, fds, _, _ = socket.recv_fds(orders, MESSAGE_BYTES, 1)
            if not message or not fds:
                os._exit(0)
            said = json.loads(message)
            data = read_bytes(fds[0], said.pop("size"))
            os.close(fds[0])
            _serve(orders, Order(**said), data)
    except BaseException:
        os._exit(1)


def _limit(memory_bytes: int, niceness: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
        with suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
            file.write("500")  # when memory runs out, the kernel kills a decoder before the server
    os.nice(niceness)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 2)  # codecs write messages about broken photos


def _serve(orders: socket.socket, order: Order, data: bytes) -> None:
    try:
        made = perform(order, data)
        header = header_json(made.header)
        if made.pixels is not None:
            _send(orders, {"header": header, "shape": made.pixels.shape}, share_bytes(made.pixels.data))
            if order.assess:
                _send(orders, {"assessment": assessment_json(assess(made.pixels, made.header))})
        elif made.jpeg is not None:
            _send(orders, {"header": header, "size": len(made.jpeg)}, share_bytes(made.jpeg))
        else:
            _send(orders, {"header": header})
    except PixelAgentError as error:
        _send(orders, error_json(error))
    except MemoryError:
        _send(orders, {"memory": True})
        os._exit(0)  # the remaining memory is fragmented
    except OSError:
        raise
    except Exception as error:
        _send(orders, {"error": "internal", "message": f"The decoder failed: {error!r}", "advice": ""})


def _send(orders: socket.socket, said: dict[str, Any], fd: int | None = None) -> None:
    message = json.dumps(said).encode() + b"\n"
    if fd is None:
        orders.sendall(message)
        return
    socket.send_fds(orders, [message], [fd])
    os.close(fd)


if __name__ == "__main__":
    nursery(socket.socket(fileno=int(sys.argv[1])))
