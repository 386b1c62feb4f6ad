from __future__ import annotations

import pytest
from pydantic import JsonValue

from pixel_agent.core import Source
from tests.tasks.build import COLA, WATER, code, finish, row, warned

LAYOUT: JsonValue = [{"position_id": "A1", "gtin": COLA}, {"position_id": "A2", "gtin": WATER, "name": "水"}]


def test_codes_alone_tell_which_positions_are_kept() -> None:
    reading = finish("planogram_check", codes=(code(COLA),), planogram=LAYOUT)
    assert [(item.fields["position_id"], item.fields["status"]) for item in reading.items] == [
        ("A1", "ok"),
        ("A2", "not_found"),
    ]
    assert reading.totals["compliance_rate"] == 0.5
    assert reading.items[0].source is Source.BARCODE


def test_what_the_layout_does_not_hold_is_unexpected() -> None:
    reading = finish("planogram_check", codes=(code("4006381333931"),), planogram=LAYOUT)
    assert [found.fields["kind"] for found in reading.findings] == ["unexpected"]
    assert reading.totals["unexpected"] == 1


def test_a_name_matches_where_no_gtin_is_seen() -> None:
    layout: JsonValue = [{"position_id": "A1", "name": "农夫山泉饮用天然水", "level": 1}]
    reading = finish("planogram_check", row(name="农夫山泉 饮用天然水", shelf_level=1), planogram=layout)
    assert reading.items[0].fields["status"] == "ok"


def test_the_right_product_on_the_wrong_level_is_misplaced() -> None:
    layout: JsonValue = [{"position_id": "A1", "gtin": COLA, "level": 1}]
    reading = finish("planogram_check", row(gtin=COLA, shelf_level=3), planogram=layout)
    assert reading.items[0].fields["status"] == "misplaced"
    assert reading.totals["compliance_rate"] == 0


@pytest.mark.parametrize("layout", [None, [], "x", [1, {}], {"gtin": COLA}])
def test_without_a_layout_nothing_is_compared(layout: JsonValue) -> None:
    reading = finish("planogram_check", codes=(code(COLA),), planogram=layout)
    assert warned(reading) == ["planogram_missing"]
    assert "compliance_rate" not in reading.totals
