"""Parses a server's answer in the load client, only as far as needed, and judges it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum

DIGEST = re.compile(rb"\b[0-9a-f]{64}\b")


class Outcome(StrEnum):
    """How one request ended."""

    GOOD = "good"
    UNVERIFIED = "unverified"
    WRONG = "wrong"
    REFUSED = "refused"
    OTHER = "other"
    TIMEOUT = "timeout"
    RESET = "reset"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Answer:
    """One complete HTTP answer, as far as the client reads it."""

    status: int
    body: bytes
    retry_after: str | None
    keep_alive: bool


def parse_answer(data: bytes | bytearray, closed: bool = False) -> Answer | None:
    """Parse an answer from the received bytes; None while it is incomplete. `closed`: the connection has ended.

    Raises ValueError if the bytes are no HTTP answer.
    """
    while data:
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return None
        if not data.startswith(b"HTTP/1.") or not data[9:12].isdigit():
            raise ValueError("The server's answer is not HTTP.")
        status = int(data[9:12])
        if status >= 200:
            return _parse_final(status, bytes(data[:end]).lower(), bytes(data[end + 4 :]), closed)
        data = data[end + 4 :]
    return None


def _parse_final(status: int, head: bytes, rest: bytes, closed: bool) -> Answer | None:
    length = _header(head, b"content-length")
    chunked = b"chunked" in (_header(head, b"transfer-encoding") or b"")
    retry_after = _header(head, b"retry-after")
    keep_alive = b"close" not in (_header(head, b"connection") or b"") and not closed
    if chunked:
        body = _dechunk(rest)
    elif length is not None:
        body = rest[: int(length)] if len(rest) >= int(length) else None
    else:
        body, keep_alive = (rest if closed else None), False
    if body is None:
        return None
    return Answer(status, body, retry_after.decode() if retry_after is not None else None, keep_alive)


def _header(head: bytes, name: bytes) -> bytes | None:
    start = head.find(b"\r\n" + name + b":")
    if start < 0:
        return None
    start += len(name) + 3
    end = head.find(b"\r\n", start)
    return head[start : end if end >= 0 else len(head)].strip()


def _dechunk(data: bytes) -> bytes | None:
    body, at = b"", 0
    while (end := data.find(b"\r\n", at)) >= 0:
        size = int(data[at:end].split(b";")[0], 16)
        if size == 0:
            return body if data.find(b"\r\n", end + 2) >= 0 else None
        if len(data) < end + 2 + size + 2:
            return None
        body, at = body + data[end + 2 : end + 2 + size], end + 2 + size + 2
    return None


def judge(answer: Answer, digest: str) -> Outcome:
    """The outcome of an answer for the client that uploaded the photo with this SHA-256.

    The simulated device names the upload that it answers, and so does `scan.image.sha256`: every SHA-256 in an answer
    must be that of the upload, else the answer is wrong. An answer without one is good, but unverified.
    """
    if answer.status in (429, 503):
        return Outcome.REFUSED
    if answer.status != 200:
        return Outcome.OTHER
    try:
        json.loads(answer.body)
    except ValueError:
        return Outcome.WRONG
    named = set(DIGEST.findall(answer.body))
    if not named:
        return Outcome.UNVERIFIED
    return Outcome.GOOD if named == {digest.encode()} else Outcome.WRONG
