"""Benchmark of price tags: drawn, photographed, and read through text reading, codes and rules, against their truth."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from pydantic import JsonValue
from rich.console import Console

from benchmarks.reading.tag_maker import TagSample, make_tags
from benchmarks.report import show
from pixel_agent.core import Pixels, TextLine
from pixel_agent.engines.ocr.text_reader import TextReader
from pixel_agent.photo.barcodes.read import read_codes
from pixel_agent.tasks.rules.page import Page
from pixel_agent.tasks.rules.tags import read_price_tags
from pixel_agent.tasks.rules.units import half_width, normal_unit

PRICES = ("regular_price", "sale_price", "member_price")
FIELDS = ("name", *PRICES, "unit", "spec", "origin", "gtin")
"""The fields of the overall figure; grade and valid_until are shown next to them."""

MORE_FIELDS = ("grade", "valid_until")
TODAY = date(2026, 11, 22)
BATCH_PHOTOS = 4


@dataclass(slots=True)
class Score:
    """Counts of correct readings, of wrong or invented ones, and of printed values that were not read correctly."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    def add(self, truth: JsonValue, answer: JsonValue) -> None:
        """Count one field of one tag; a wrong value is both wrong and missed."""
        if truth is not None and truth == answer:
            self.right += 1
            return
        self.wrong += answer is not None
        self.missed += truth is not None

    def row(self, name: str) -> dict[str, JsonValue]:
        """Precision, recall and F1; 1.0 if there was nothing to find and nothing was reported."""
        precision = self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0
        recall = self.right / (self.right + self.missed) if self.right + self.missed else 1.0
        both = 2 * self.right + self.wrong + self.missed
        return {
            "field": name,
            "printed": self.right + self.missed,
            "precision": precision,
            "recall": recall,
            "f1": 2 * self.right / both if both else 1.0,
        }


def bench_tags(
    count: Annotated[int, typer.Option(help="How many tags to draw and read.")] = 200,
    seed: Annotated[int, typer.Option(help="Seed of the drawing; the same seed gives the same photos.")] = 2026,
    threads: Annotated[int, typer.Option(help="Threads of the text reader.")] = 2,
    codes: Annotated[bool, typer.Option(help="Let a barcode that was read confirm or give the GTIN.")] = True,
    verbose: Annotated[bool, typer.Option("--verbose", help="Name every wrong field.")] = False,
    json_path: Annotated[Path | None, typer.Option("--json", help="Write the rows to this file.")] = None,
) -> None:
    """Read drawn price tags; precision, recall and F1 of each field, of all fields and of the prices alone."""
    reader = TextReader(threads=threads)
    scores = {field: Score() for field in (*FIELDS, *MORE_FIELDS)}
    faults: list[str] = []
    start = time.perf_counter()
    samples: list[TagSample] = []
    for index, sample in enumerate(make_tags(count, seed), start=1):
        samples.append(sample)
        if len(samples) == BATCH_PHOTOS or index == count:
            for one, lines in zip(samples, reader.read([one.image for one in samples]), strict=True):
                answer = read_fields(one.image, lines, codes=codes)
                faults += _score(one, answer, scores, index)
            samples = []
    seconds = time.perf_counter() - start
    rows = [score.row(field) for field, score in scores.items()]
    rows.append(_total([scores[field] for field in FIELDS]).row("all of " + ", ".join(FIELDS)))
    rows.append(_total([scores[field] for field in PRICES]).row("prices"))
    show(f"Price tags: {count} drawn with seed {seed}, {seconds:.0f} s with drawing", rows, json_path=json_path)
    for fault in faults if verbose else ():
        Console().print(fault, markup=False)


def read_fields(pixels: Pixels, lines: tuple[TextLine, ...], *, codes: bool) -> Mapping[str, JsonValue]:
    """The fields of the one tag on a photo; its GTIN comes from the barcode if that could be read."""
    height, width = pixels.shape[:2]
    items = read_price_tags(Page(lines, width, height, TODAY)).items
    fields = dict(items[0].fields) if items else {}
    if codes:
        gtins = {code.gtin for code in read_codes(pixels) if code.gtin}
        if len(gtins) == 1:
            fields["gtin"] = gtins.pop()
    return fields


def comparable(field: str, value: JsonValue) -> JsonValue:
    """A value in comparable form.

    Prices to the cent; text without spaces, width or case, with one times sign and one unit name.
    """
    if isinstance(value, int | float):
        return round(float(value), 2)
    if not isinstance(value, str):
        return None
    text = half_width(value).replace(" ", "").lower().replace("*", "×").replace("x", "×")
    return (normal_unit(text) or text) if field == "unit" else text


def _score(sample: TagSample, answer: Mapping[str, JsonValue], scores: Mapping[str, Score], index: int) -> list[str]:
    faults = []
    for field, score in scores.items():
        truth, read = comparable(field, sample.truth[field]), comparable(field, answer.get(field))
        score.add(truth, read)
        if truth != read:
            faults.append(f"up to tag {index} ({sample.layout}): {field} is {truth}, read {read}")
    return faults


def _total(scores: list[Score]) -> Score:
    return Score(
        sum(score.right for score in scores),
        sum(score.wrong for score in scores),
        sum(score.missed for score in scores),
    )
