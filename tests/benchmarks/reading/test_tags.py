"""The drawn tags match their truth, and the benchmark runs."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from benchmarks.reading.tag_maker import LAYOUTS, make_strip, make_tags
from benchmarks.reading.tags import Score, bench_tags, comparable


def test_a_seed_gives_the_same_photos_and_another_seed_others() -> None:
    first, again, other = (list(make_tags(2, seed)) for seed in (1, 1, 2))
    assert all(
        np.array_equal(one.image, two.image) and one.truth == two.truth for one, two in zip(first, again, strict=True)
    )
    assert [one.truth for one in first] != [one.truth for one in other]


def test_every_layout_comes_up_as_a_photo_with_a_name_and_a_price() -> None:
    samples = list(make_tags(len(LAYOUTS), 3))
    assert {sample.layout for sample in samples} == set(LAYOUTS)
    for sample in samples:
        assert sample.image.shape[1] in range(1000, 1601)
        assert sample.truth["name"]
        assert sample.truth["regular_price"] is not None


def test_a_strip_holds_its_tags_from_left_to_right() -> None:
    rail, truths = make_strip(["plain", "member"], random.Random(1))
    assert len(truths) == 2
    assert rail.shape[1] > 1500


def test_a_wrong_value_is_wrong_and_missed() -> None:
    score = Score()
    score.add(1.0, 2.0)
    score.add(1.0, 1.0)
    score.add(None, 3.0)
    score.add(None, None)
    assert (score.right, score.wrong, score.missed) == (1, 2, 1)


def test_values_compare_without_spaces_width_and_case() -> None:
    assert comparable("spec", "500 ML X 12") == comparable("spec", "500ml*12")
    assert comparable("unit", "公斤") == comparable("unit", "kg")
    assert comparable("name", "安佳 牛奶") != comparable("name", "安佳奶")


@pytest.mark.bench
def test_the_benchmark_reads_tags_and_writes_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "tags.json"
    with ThreadPoolExecutor(1) as worker:  # the text reader flushes denormals in the thread that calls it
        worker.submit(bench_tags, count=2, seed=1, threads=2, codes=False, verbose=False, json_path=path).result()
    rows = json.loads(path.read_text("utf-8"))["rows"]
    assert {row["field"] for row in rows} >= {"name", "gtin", "prices"}
