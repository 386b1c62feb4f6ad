"""Proof that a bad photo affects no other scan: `make prove-photos`, or `python -m tests.e2e.photos [COUNT]`.

Starts a real server and sends it COUNT mutated pictures of every format (seeded: the same every time). The server must live,
every answer must be a scan or a 4xx, and a decoder that dies must be replaced within a second.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import psutil

from tests.e2e.conftest import servers
from tests.photo.pictures import FORMATS, chunk, encode, exif, scene

COUNT = 2000
SENDERS = 8
REPLACED_S = 1.0


def originals(kind: str) -> list[bytes]:
    """Small pictures of a format, in the variants that its codec has code for."""
    noise = np.random.default_rng(5).integers(0, 255, (40, 56, 3), np.uint8)
    pictures = [encode(scene(), kind), encode(noise, kind)]
    if kind in ("JPEG", "PNG", "WEBP", "TIFF"):
        pictures.append(encode(scene(), kind, exif=exif(6)))
    if kind == "JPEG":
        pictures += [
            encode(scene(), kind, progressive=True),
            encode(noise, kind, subsampling=0, restart_marker_blocks=3),
        ]
    if kind == "TIFF":
        pictures += [encode(scene(), kind, compression=name) for name in ("tiff_lzw", "tiff_adobe_deflate", "jpeg")]
    if kind == "WEBP":
        pictures.append(encode(scene(), kind, lossless=True))
    return pictures


def mutated(kind: str, count: int) -> Iterator[bytes]:
    """Pictures with flipped bits, wrong numbers, cut, doubled and swapped parts; seeded by the format."""
    dice, pictures = random.Random(f"photos-{kind}"), originals(kind)  # a script, not a secret
    for _ in range(count):
        data = bytearray(dice.choice(pictures))
        for _ in range(dice.randint(1, 8)):
            _mutate(data, dice)
        yield with_checksums(bytes(data)) if kind == "PNG" and dice.random() < 0.7 else bytes(data)


def with_checksums(data: bytes) -> bytes:
    """A PNG whose checksums are right whatever its chunks hold, so that damage reaches the codec."""
    parts, at = [data[:8]], 8
    while at + 12 <= len(data):
        end = min(at + 12 + int.from_bytes(data[at : at + 4], "big"), len(data))
        parts.append(chunk(data[at + 4 : at + 8], data[at + 8 : end - 4]))
        at = end
    return b"".join(parts) + data[at:]


def _mutate(data: bytearray, dice: random.Random) -> None:
    at, length = dice.randrange(len(data)), dice.choice((1, 2, 4, 16, 64))
    match dice.randrange(6):
        case 0:
            data[at] ^= 1 << dice.randrange(8)
        case 1:
            data[at : at + 1] = dice.choice((b"\0", b"\xff", b"\x7f", b"\x80"))
        case 2:
            data[at : at + 4] = dice.choice((b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\xff\xff"))
        case 3 if len(data) > 64:
            del data[at : at + length]
        case 4:
            data[at:at] = data[max(0, at - length) : at]
        case _:
            data[at : at + length] = dice.randbytes(min(length, len(data) - at))
    if not data:
        data += b"\0"


def main(count: int) -> int:
    """Prove it for every format; the exit code."""
    failures = 0
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder)) as start:
        server = start(PIXEL_AGENT_SIMULATED__BASE_MS="0", PIXEL_AGENT_SIMULATED__PER_ITEM_MS="0")
        process = psutil.Process(server.process.pid)
        for kind in FORMATS:
            began = time.monotonic()
            answers, slowest_s = _send_all(server.url, kind, count)
            wrong = sum(number for status, number in answers.items() if not (status == 200 or 400 <= status < 500))
            alive = process.is_running() and process.status() != psutil.STATUS_ZOMBIE
            failures += wrong + (not alive)
            stats = httpx.get(f"{server.url}/v1/stats", timeout=30).json()["machine"]
            print(
                f"{kind}: {count} in {time.monotonic() - began:.0f} s, {dict(sorted(answers.items()))}, slowest "
                f"{slowest_s:.2f} s, server {'lives' if alive else 'DIED'}, {_resident(process):.0f} MB, decoders {stats['photo_threads']}",
                flush=True,
            )
        failures += not _replaced(process, server.url)
    return 1 if failures else 0


def _send_all(url: str, kind: str, count: int) -> tuple[Counter[int], float]:
    slowest = [0.0]

    def send(data: bytes) -> int:
        began = time.monotonic()
        answer = client.post(f"{url}/scan?task=photo_check&force=true", files={"file": (kind, data)}, timeout=60)
        slowest[0] = max(slowest[0], time.monotonic() - began)
        return answer.status_code

    with httpx.Client() as client, ThreadPoolExecutor(SENDERS) as senders:
        return Counter(senders.map(send, mutated(kind, count))), slowest[0]


def decoders(process: psutil.Process) -> list[psutil.Process]:
    """The decoder processes of a server."""
    return [child for nursery in process.children() for child in nursery.children()]


def _replaced(process: psutil.Process, url: str) -> bool:
    """Kill every decoder; whether a photo is answered, by new ones, within a second."""
    old = decoders(process)
    for decoder in old:
        decoder.kill()
    began = time.monotonic()
    answer = httpx.post(f"{url}/scan?task=photo_check&force=true", files={"file": ("a", encode(scene(97)))}, timeout=60)
    took_s = time.monotonic() - began
    print(f"all {len(old)} decoders killed: the next photo {answer.status_code} after {took_s:.2f} s")
    return answer.status_code == 200 and took_s <= REPLACED_S


def _resident(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 2**20


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT))
