"""Distinct uploads for the load client, ready to send: nothing is copied and very little is hashed."""

from __future__ import annotations

import hashlib

from benchmarks.load.plan import Plan, Stream

BOUNDARY = b"pixel-agent-load-0f2e5a"


class Uploads:
    """Makes many distinct uploads from few photos: each gets its own JPEG comment just before the end marker.

    So each has its own SHA-256, which takes microseconds, and an answer to the wrong request is detected. Raises
    ValueError for photos that are not JPEG files, or that have data after their end marker.
    """

    def __init__(self, photos: list[bytes], seed: str) -> None:
        if any(not photo.startswith(b"\xff\xd8") or not photo.endswith(b"\xff\xd9") for photo in photos):
            raise ValueError("Uploads are made from JPEG files that end with their end marker.")
        self._seed = hashlib.sha256(seed.encode()).hexdigest()[:8]
        self._bodies = [memoryview(photo)[:-2] for photo in photos]
        self._hashes = [hashlib.sha256(body) for body in self._bodies]
        self._heads: dict[tuple[str, int], memoryview] = {}
        self._number = 0

    def next(self, plan: Plan, stream: Stream) -> tuple[str, list[memoryview]]:
        """The SHA-256 of the next upload, and the parts of its request."""
        number, self._number = self._number, self._number + 1
        which = number % len(self._bodies)
        comment = f"{self._seed}{number:016x}".encode()
        ending = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + b"\xff\xd9"
        digest = self._hashes[which].copy()
        digest.update(ending)
        tail = ending + b"\r\n--" + BOUNDARY + b"--\r\n"
        head = self._heads.get((stream.name, which))
        if head is None:
            head = memoryview(_head(plan, stream, len(self._bodies[which]) + len(tail)))
            self._heads[stream.name, which] = head
        return digest.hexdigest(), [head, self._bodies[which], memoryview(tail)]


def _head(plan: Plan, stream: Stream, rest: int) -> bytes:
    form = b"".join(
        b'--%b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (BOUNDARY, name.encode(), value.encode())
        for name, value in stream.fields.items()
    )
    form += (
        b'--%b\r\nContent-Disposition: form-data; name="%b"; filename="shelf.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
        % (BOUNDARY, stream.file_field.encode())
    )
    lines = [
        f"POST {stream.path} HTTP/1.1",
        f"Host: {plan.host}:{plan.port}",
        "Accept: application/json",
        "Cache-Control: no-cache",
        f"Content-Type: multipart/form-data; boundary={BOUNDARY.decode()}",
        f"Content-Length: {len(form) + rest}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + form
