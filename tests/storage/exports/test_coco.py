"""COCO: what pycocotools asks of a file, and nothing that lies on no photo."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from pixel_agent.storage.exports.coco import MAX_CATEGORIES, CocoExporter
from pixel_agent.storage.exports.entry import Entry
from tests.storage.exports.records import corrected, entry, failed, row, written


def coco(*entries: Entry) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = json.loads(written(CocoExporter(), *entries))
    return found


def check(found: dict[str, list[dict[str, Any]]]) -> None:
    """Ids are unique, from 1, and lead somewhere; boxes lie on their photo."""
    for kind in ("images", "annotations", "categories"):
        ids = [one["id"] for one in found[kind]]
        assert len(ids) == len(set(ids))
        assert all(isinstance(number, int) and number >= 1 for number in ids)
    images = {one["id"]: one for one in found["images"]}
    categories = {one["id"] for one in found["categories"]}
    for annotation in found["annotations"]:
        image, (x, y, width, height) = images[annotation["image_id"]], annotation["bbox"]
        assert annotation["category_id"] in categories
        assert annotation["iscrowd"] == 0
        assert annotation["area"] == width * height > 0
        assert x >= 0 <= y
        assert x + width <= image["width"]
        assert y + height <= image["height"]


def test_boxes_are_left_top_width_height() -> None:
    found = coco(entry(3, items=[row([10, 20, 110, 70], name="水", price=5.9)]))
    (annotation,) = found["annotations"]
    assert annotation["bbox"] == [10, 20, 100, 50]
    assert found["images"][0]["file_name"] == f"{3:064x}.png"
    assert annotation["attributes"] == {
        "name": "水",
        "price": 5.9,
        "source": "model",
        "review": "none",
        "part": "item",
        "row": 0,
        "confidence": 0.5,
    }


def test_the_kind_makes_the_category_and_the_name_does_not() -> None:
    found = coco(
        entry(
            1,
            task="safety_check",
            findings=[row([0, 0, 9, 9], hazard="wet_floor"), row([0, 0, 9, 9], hazard="wet_floor")],
        ),
        entry(2, items=[row([0, 0, 9, 9], name="水"), row([0, 0, 9, 9], name="茶")]),
    )
    assert [(one["name"], one["supercategory"]) for one in found["categories"]] == [
        ("safety_check/wet_floor", "safety_check"),
        ("price_tag/item", "price_tag"),
    ]


def test_rows_without_a_place_on_this_photo_are_left_out() -> None:
    rows = [row(None, name="a"), row([500, 0, 600, 9], name="b"), row([9, 9, 9, 9], name="c")]
    found = coco(entry(1, items=rows, findings=[row([0, 0, 9, 9], change="resolved")]), failed(2))
    assert ([one["id"] for one in found["images"]], found["annotations"]) == ([1], [])


def test_what_people_put_right_is_named() -> None:
    found = coco(entry(items=[row([0, 0, 9, 9], name="水")], corrections=[corrected("name", "x", "水")]))
    assert found["annotations"][0]["attributes"]["corrected"] == ["name"]


def test_an_empty_file_is_whole() -> None:
    found = coco()
    assert (found["images"], found["annotations"], found["categories"]) == ([], [], [])


def test_categories_are_bounded() -> None:
    found = coco(entry(items=[row([0, 0, 9, 9], kind=f"kind {n}") for n in range(MAX_CATEGORIES + 50)]))
    assert len(found["categories"]) == MAX_CATEGORIES + 1
    check(found)


BOXES = st.none() | st.lists(st.integers(-50, 450), min_size=4, max_size=4)
ROWS = st.lists(st.builds(row, BOXES, name=st.text(max_size=5), kind=st.sampled_from(["a", "b", None])), max_size=3)


@given(st.lists(st.tuples(ROWS, ROWS), max_size=5))
@settings(deadline=None, max_examples=60)
def test_whatever_was_read_makes_a_consistent_file(
    scans: list[tuple[list[dict[str, JsonValue]], list[dict[str, JsonValue]]]],
) -> None:
    entries = [entry(number, items=items, findings=found) for number, (items, found) in enumerate(scans, 1)]
    check(coco(*entries))
