"""Shares memory between the server and decoder processes by file descriptor; unnamed, so no crash leaves any behind."""

from __future__ import annotations

import mmap
import os
import sys
import tempfile

import numpy as np
from numpy.typing import NDArray

if sys.platform == "linux":
    import fcntl

    _SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL

    def _create() -> int:
        return os.memfd_create("pixel-agent", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)

    def _seal(fd: int) -> None:
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _SEALS)

    def _sealed(fd: int) -> bool:
        return fcntl.fcntl(fd, fcntl.F_GET_SEALS) & _SEALS == _SEALS
else:

    def _create() -> int:
        with tempfile.TemporaryFile() as file:
            return os.dup(file.fileno())

    def _seal(_: int) -> None:
        """Does nothing: only Linux can seal memory."""

    def _sealed(_: int) -> bool:
        return True


def share_bytes(data: bytes | memoryview) -> int:
    """A new descriptor of memory with these bytes; the caller closes it. Raises OSError if there is no room."""
    fd = _create()
    try:
        view = memoryview(data).cast("B")
        at = 0
        while at < len(view):
            at += os.pwrite(fd, view[at:], at)
        _seal(fd)
    except BaseException:
        os.close(fd)
        raise
    return fd


def read_bytes(fd: int, size: int) -> bytes:
    """A copy of the first `size` bytes. Raises OSError."""
    parts, at = [], 0
    while at < size and (part := os.pread(fd, size - at, at)):
        parts.append(part)
        at += len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def map_array(fd: int, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """The memory as an array; writing to it changes a private copy. Raises ValueError for memory of another size.

    Memory that could shrink is refused: reading past its end would kill this process.
    """
    size = shape[0] * shape[1] * shape[2]
    if not _sealed(fd) or os.fstat(fd).st_size < size or size < 1:
        raise ValueError("the shared memory is not what was promised")
    return np.frombuffer(mmap.mmap(fd, size, access=mmap.ACCESS_COPY), np.uint8).reshape(shape)
