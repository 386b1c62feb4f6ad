"""Exports COCO annotations: images, annotations, categories, as pycocotools and training tools read them.

One pass: images are written at once, annotations wait in a temporary file, and the categories are known at the end (the
order of keys has no meaning in JSON). One image per scan, so a photo that was scanned twice occurs twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version

from pydantic import JsonValue
from pydantic_core import to_json

from pixel_agent.storage.exports.base import Exporter
from pixel_agent.storage.exports.entry import Entry, Fields, Line, box_of, mapping, words
from pixel_agent.storage.exports.spool import Spool

SUFFIXES = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/heic": "heic",
    "image/heif": "heif",
    "image/avif": "avif",
    "image/bmp": "bmp",
    "image/tiff": "tif",
    "image/gif": "gif",
}
KINDS = ("kind", "hazard", "rule_id", "waste_type", "sign", "type", "symbology")
"""Fields with a closed list of words; the first one present is the category. Free text, such as names, is an attribute:
as categories it would give nearly one per annotation."""
MAX_CATEGORIES = 1000
"""A bound for custom tasks whose `kind` is free text; above it, rows are plain items and findings."""
MAX_ATTRIBUTE = 1000


class CocoExporter(Exporter):
    """Exports rows with a box on a photo of known size. Ids count from 1, because pycocotools reads 0 as "no match"."""

    media_type = "application/json"
    suffix = "json"

    def __init__(self) -> None:
        self._annotations = Spool()
        self._categories: dict[tuple[str, str], int] = {}
        self._written = 0
        self._images = 0

    def begin(self) -> bytes:
        """The header of the file, and the start of the images."""
        now = datetime.now(UTC)
        info: dict[str, JsonValue] = {
            "description": "Pixel Agent: what was read on photos, corrections of people included",
            "version": version("pixel-agent"),
            "year": now.year,
            "date_created": now.isoformat(timespec="seconds"),
        }
        return b'{"info":' + to_json(info) + b',"licenses":[],"images":['

    def add(self, entries: Iterable[Entry]) -> bytes:
        """The images of these scans; their annotations go to the temporary file."""
        images: list[bytes] = []
        annotations: list[bytes] = []
        for entry in entries:
            image = _image(entry)
            if image is None:
                continue
            self._images += 1
            images.append((b",\n" if self._images > 1 else b"\n") + to_json(image))
            annotations += [to_json(one) for one in self._on(entry, image)]
        if annotations:
            start = b",\n" if self._written > len(annotations) else b"\n"
            self._annotations.write(start + b",\n".join(annotations))
        return b"".join(images)

    def end(self) -> Iterator[bytes]:
        """The annotations and the categories."""
        yield b'\n],"annotations":['
        yield from self._annotations.pieces()
        categories: list[JsonValue] = [
            {"id": number, "name": f"{task}/{word}", "supercategory": task}
            for (task, word), number in self._categories.items()
        ]
        yield b'\n],"categories":' + to_json(categories) + b"}\n"

    def close(self) -> None:
        """Remove the temporary file."""
        self._annotations.close()

    def _on(self, entry: Entry, image: dict[str, JsonValue]) -> Iterator[dict[str, JsonValue]]:
        """The annotations of one photo."""
        for line in entry.lines():
            box = _inside(line, image)
            if box is None:
                continue
            self._written += 1
            x, y, width, height = box
            right, bottom = x + width, y + height
            yield {
                "id": self._written,
                "image_id": image["id"],
                "category_id": self._category(words(image["task"]), line),
                "bbox": [x, y, width, height],
                "area": width * height,
                "segmentation": [[x, y, right, y, right, bottom, x, bottom]],
                "iscrowd": 0,
                "attributes": _attributes(line),
            }

    def _category(self, task: str, line: Line) -> int:
        word = next((said for name in KINDS if (said := words(line.fields.get(name)))), "")[:80] or line.noun
        if (task, word) not in self._categories and len(self._categories) >= MAX_CATEGORIES:
            word = line.noun
        return self._categories.setdefault((task, word), len(self._categories) + 1)


def _image(entry: Entry) -> dict[str, JsonValue] | None:
    """The image entry of a scan; None without a reading or a size."""
    record, image = entry.record, mapping(entry.reading.get("image"))
    width, height, sha256 = image.get("width"), image.get("height"), words(image.get("sha256"))
    if not width or not height or not sha256:
        return None
    suffix = SUFFIXES.get(words(image.get("media_type")), "jpg")
    return {
        "id": entry.number,
        "width": width,
        "height": height,
        "file_name": f"{sha256}.{suffix}",
        "date_captured": record.get("captured_at") or record.get("received_at"),
        "scan_id": record.get("scan_id"),
        "task": record.get("task"),
        "store_id": record.get("store_id"),
        "original_name": record.get("filename"),
        "simulated": record.get("simulated"),
    }


def _inside(line: Line, image: Fields) -> tuple[float, float, float, float] | None:
    """Left, top, width, height of a row in pixels, clipped to the photo; None without a box on it."""
    box = box_of(line.fields)
    most_x, most_y = image.get("width"), image.get("height")
    if box is None or not isinstance(most_x, int | float) or not isinstance(most_y, int | float):
        return None
    if line.fields.get("change") == "resolved":  # its box is on the earlier photo
        return None
    left, top, right, bottom = max(0.0, box[0]), max(0.0, box[1]), min(most_x, box[2]), min(most_y, box[3])
    return (left, top, right - left, bottom - top) if right > left and bottom > top else None


def _attributes(line: Line) -> dict[str, JsonValue]:
    """The row's own scalar values and its evidence; unknown values are omitted, except the confidence."""
    fields: dict[str, JsonValue] = {
        name: value[:MAX_ATTRIBUTE] if isinstance(value, str) else value
        for name, value in line.fields.items()
        if isinstance(value, str | int | float)
    }
    corrected = sorted({words(one.get("field")) for one in line.corrections})
    people: dict[str, JsonValue] = {"corrected": [*corrected]} if corrected else {}
    confidence = line.fields.get("confidence")
    return {**fields, "part": line.noun, "row": line.index, "confidence": confidence, **people}
