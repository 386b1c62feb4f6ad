from __future__ import annotations

from pixel_agent.core import Review, Severity, Source
from tests.tasks.build import COLA, alerted, code, finish, row


def test_a_blocked_exit_alerts_whatever_severity_was_said() -> None:
    reading = finish("safety_check", findings=(row((1, 2, 3, 4), hazard="blocked_exit", severity="minor"),), lang="en")
    assert alerted(reading) == ["blocked_exit"]
    assert reading.alerts[0].severity is Severity.CRITICAL
    assert reading.alerts[0].bbox == (1, 2, 3, 4)
    assert reading.findings[0].review is Review.ADVISED
    assert reading.summary == "1 finding, 1 alert"


def test_signs_that_were_read_are_not_hazards() -> None:
    reading = finish("safety_check", row(text="安全出口", source=Source.TEXT))
    assert reading.totals["findings"] == 0
    assert reading.summary == "1 块标识"


def test_failed_rules_are_counted_and_want_a_look() -> None:
    reading = finish(
        "kitchen_hygiene",
        findings=(
            row(rule_id="hat", status="fail", severity="major"),
            row(rule_id="mask", status="pass"),
            row(rule_id="pests", status="fail", severity="critical", evidence="蟑螂"),
            row(rule_id="lids_closed", status="unclear"),
        ),
    )
    assert reading.totals["by_status"] == {"fail": 2, "pass": 1, "unclear": 1}
    assert reading.totals["by_severity"] == {"major": 1, "critical": 1}
    assert [found.review.value for found in reading.findings] == ["advised", "none", "advised", "advised"]
    assert alerted(reading) == ["critical_finding"]
    assert reading.summary == "4 项检查，2 条问题，1 条提示"


def test_a_critical_word_on_a_passed_check_does_not_alert() -> None:
    assert not finish("environment_check", findings=(row(item="地面", status="pass", severity="critical"),)).alerts


def test_waste_is_added_up_by_unit() -> None:
    reading = finish(
        "waste_estimate",
        row(waste_type="food", portion=1.5, unit="kg"),
        row(waste_type="food", portion=0.75, unit="kg"),
        row(waste_type="packaging", portion=3, unit="个"),
        row(waste_type="other", portion=-2, unit="个"),
    )
    assert reading.totals["portions"] == {"kg": 2.25, "个": 3.0}
    assert all(item.review is Review.ADVISED for item in reading.items)


def test_qr_codes_go_to_the_storefront_they_hang_on() -> None:
    codes = (code(None, (10, 10, 20, 20), "QRCode"), code(None, (610, 10, 620, 20), "QRCode"), code(COLA))
    reading = finish("storefront_check", row((0, 0, 100, 100)), row((600, 0, 700, 100)), codes=codes)
    assert [item.fields["qr"] for item in reading.items] == [
        [{"text": "text", "bbox": [10, 10, 20, 20]}],
        [{"text": "text", "bbox": [610, 10, 620, 20]}],
    ]


def test_qr_codes_alone_make_a_row_without_a_name() -> None:
    reading = finish("storefront_check", codes=(code(None, symbology="QRCode"),))
    assert reading.items[0].fields["shop_name"] is None
    assert reading.items[0].source is Source.BARCODE
