from __future__ import annotations

from dataclasses import replace

from pixel_agent.core import Draft, FinishContext, Notice, Quality, Source
from pixel_agent.tasks.texts import finish_photo
from tests.tasks.build import COLA, TODAY, code, finish, row, warned


def test_lines_without_text_are_left_out() -> None:
    reading = finish("text_read", row(text="你好"), row(text=" "), row(text=None))
    assert reading.totals == {"lines": 1, "characters": 2}
    assert reading.summary == "1 行文字"


def test_codes_are_items_as_they_were_proven() -> None:
    reading = finish("code_read", row(text="what a model says"), codes=(code(COLA, ai17="261122"),))
    assert [dict(item.fields) for item in reading.items] == [
        {
            "symbology": "EAN-13",
            "text": COLA,
            "gtin": COLA,
            "gs1": {"17": "261122"},
            "expiry_date": "2026-11-22",
            "date_type": "expiry",
        }
    ]
    assert reading.items[0].source is Source.BARCODE
    assert reading.totals["by_symbology"] == {"EAN-13": 1}


def test_the_photo_check_reports_what_was_measured() -> None:
    quality = Quality(0.05, 0.5, 0.4, 0.01, 3.0, (Notice("blurred", "照片模糊。"),), readable=False)
    reading = finish_photo(Draft(), FinishContext(640, 480, TODAY, quality=quality, duplicate_of="scan-1"))
    fields = reading.items[0].fields
    assert fields["resolution"] == {"width": 640, "height": 480}
    assert fields["duplicate_of"] == "scan-1"
    assert fields["advice"] == ["照片模糊。"]
    assert reading.summary == "建议重拍。 照片模糊。"


def test_a_photo_is_called_usable_only_where_there_is_no_advice() -> None:
    quality = Quality(0.5, 0.5, 0.4, 0.01, 0.0, (Notice("low_resolution", "照片分辨率太低。"),))
    poor = finish_photo(Draft(), FinishContext(31, 31, TODAY, quality=quality)).summary
    assert poor == "照片能识读，但不够理想。 照片分辨率太低。"
    assert (
        finish_photo(Draft(), FinishContext(640, 480, TODAY, quality=replace(quality, advice=()))).summary
        == "照片可用。"
    )


def test_an_unmeasured_photo_is_not_called_good() -> None:
    reading = finish_photo(Draft(), FinishContext(640, 480, TODAY))
    assert reading.items[0].fields["blur"] is None
    assert "未" in reading.summary


def test_an_answer_comes_before_its_evidence() -> None:
    reading = finish("ask", row(text="三个瓶子"), extra={"answer": "三瓶"})
    assert [item.fields["kind"] for item in reading.items] == ["answer", "evidence"]
    assert reading.summary == "三瓶"


def test_no_answer_is_said_and_not_made_up() -> None:
    assert warned(finish("ask", extra={"answer": None})) == ["no_answer"]


def test_a_code_says_its_dates_its_lot_and_its_add_on() -> None:
    read = replace(code(COLA, ai11="261101", ai17="271122", ai10="A1"), add_on="51299")
    fields = finish("code_read", codes=(read,)).items[0].fields
    assert fields["production_date"] == "2026-11-01"
    assert (fields["expiry_date"], fields["lot"], fields["add_on"]) == ("2027-11-22", "A1", "51299")


def test_an_in_store_number_is_split_and_is_no_gtin() -> None:
    read = replace(code(None), text="2112345005997")
    (found,) = finish("code_read", codes=(read,)).items
    assert found.fields["gtin"] is None
    assert found.fields["in_store"] == {"item": "12345", "value": "00599", "measure": "price_or_weight"}
    (found,) = finish("code_read", codes=(replace(code(None), text="2312345007995"),), country="FI").items
    assert found.fields["in_store"] == {"item": "123450", "value": "0799", "measure": "weight", "weight_kg": 0.799}


def test_a_code_without_proof_wants_a_look() -> None:
    reading = finish("code_read", codes=(replace(code(None, symbology="Codabar"), proven=False),))
    assert reading.items[0].fields["proven"] is False
    assert reading.items[0].review is not None
    assert warned(reading) == ["code_without_proof"]
