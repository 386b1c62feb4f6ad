"""A page of all misses of an evaluation: the photo, the boxes of its rows, the expected value and the value read."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from pydantic import JsonValue

from pixel_agent.tasks.scoring import Score

STYLE = """body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#222;background:#fff}
article{border-top:1px solid #ccc;padding:1rem 0;display:grid;grid-template-columns:minmax(0,2fr) minmax(0,1fr);gap:1rem}
figure{margin:0;position:relative;align-self:start}img{width:100%;display:block}
svg{position:absolute;inset:0;width:100%;height:100%}rect{fill:none;stroke:#d00;stroke-width:2;vector-effect:non-scaling-stroke}
li{overflow-wrap:anywhere}h2{font-size:1rem;margin:0}.kind{color:#555}"""


def misses_page(
    runs: Mapping[str, Sequence[Score]],
    readings: Mapping[str, Mapping[str, Mapping[str, JsonValue]]],
    folder: Path,
    page: Path,
) -> str:
    """The page as HTML; photos are linked, not copied. `readings` maps run → file → reading."""
    title = " / ".join(f"{name}: {sum(one.right for one in scores)} of {len(scores)}" for name, scores in runs.items())
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Misses</title><style>{STYLE}</style>",
        f"<h1>Misses</h1><p>{escape(title)} cases right</p>",
    ]
    for name, scores in runs.items():
        parts += [
            _article(name if len(runs) > 1 else "", score, readings[name].get(score.case.file, {}), folder, page)
            for score in scores
            if not score.right
        ]
    return "\n".join(parts) + "</html>\n"


def _article(run: str, score: Score, reading: Mapping[str, JsonValue], folder: Path, page: Path) -> str:
    link = quote(Path(os.path.relpath(folder / score.case.file, page.resolve().parent)).as_posix())
    misses = "".join(f"<li>{escape(miss)}</li>" for miss in score.misses)
    head = " · ".join(part for part in (run, score.case.kind, score.case.task) if part)
    return (
        f'<article><figure><img src="{link}" alt="{escape(score.case.file, quote=True)}" loading=lazy>{_boxes(reading)}</figure>'
        f"<div><h2>{escape(score.case.file)}</h2><p class=kind>{escape(head)}</p><ul>{misses}</ul></div></article>"
    )


def _boxes(reading: Mapping[str, JsonValue]) -> str:
    image, items = reading.get("image"), reading.get("items")
    if not isinstance(image, dict) or not isinstance(items, list):
        return ""
    boxes = [box for item in items if isinstance(item, dict) and isinstance(box := item.get("bbox"), list)]
    numbers = [[float(str(side)) for side in box] for box in boxes if len(box) == 4]
    shapes = "".join(
        f'<rect x="{left:g}" y="{top:g}" width="{right - left:g}" height="{bottom - top:g}"/>'
        for left, top, right, bottom in numbers
    )
    return f'<svg viewBox="0 0 {image.get("width")} {image.get("height")}" preserveAspectRatio=none>{shapes}</svg>'
