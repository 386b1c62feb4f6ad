"""The report: findings by severity, boxes with row numbers, corrections, and text that cannot run as code."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.core import Lang
from pixel_agent.storage.exports.entry import Entry
from pixel_agent.storage.exports.report import Change, ReportExporter
from pixel_agent.storage.exports.report_view import MAX_ROWS, Speaker, in_order, place_marks, row_view
from pixel_agent.storage.exports.report_words import WORDS
from tests.storage.exports.records import CATALOGUE, HOSTILE, corrected, entry, failed, row, written

JPEG = b"\xff\xd8 a photo"
TAGS = frozenset(
    (
        *("html", "head", "meta", "title", "style", "body", "header", "main", "section", "div", "span", "p", "br", "b"),
        *(
            "bdi",
            "del",
            "a",
            "h1",
            "h2",
            "h3",
            "h4",
            "dl",
            "dt",
            "dd",
            "ul",
            "ol",
            "li",
            "table",
            "thead",
            "tbody",
            "tr",
        ),
        *("th", "td", "figure", "svg", "symbol", "path", "circle", "rect", "use", "image", "text"),
    )
)


class Page(HTMLParser):
    """What a browser would see."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: dict[str, set[str]] = {}
        self.ids: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, set()).add(value or "")
            if name == "id":
                self.ids.append(value or "")
            if name == "href" and tag == "a":
                self.links.append(value or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def report(
    *entries: Entry, lang: Lang = "zh", photo: bytes | None = JPEG, changes: tuple[Change, ...] = (), **limits: int
) -> str:
    exporter = ReportExporter(CATALOGUE, lambda entry: photo, lang, **limits)
    exporter.changes = changes
    return written(exporter, *entries).decode()


def finding(severity: str | None, bbox: list[int] | None = None, **fields: str) -> dict[str, object]:
    return row(bbox, hazard="wet_floor", severity=severity, **fields)  # type: ignore[return-value]


def hazards(*rows: dict[str, object], number: int = 1, **record: str) -> Entry:
    return entry(number, task="safety_check", findings=rows, **record)  # type: ignore[arg-type]


def test_all_findings_come_first_and_the_worst_before_the_others() -> None:
    page = report(hazards(finding("minor", evidence="AAA"), finding("critical", evidence="BBB")), lang="en")
    index = page[: page.index('class="scan"')]
    assert index.index("BBB") < index.index("AAA")
    assert re.findall(r"</svg>(\w[\w ]*)</span> <b>(\d)", index) == [
        ("Critical", "1"),
        ("Major", "0"),
        ("Minor", "1"),
        ("Info", "0"),
    ]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_severity_is_a_word_and_a_shape_and_never_colour_alone(lang: Lang) -> None:
    page = report(hazards(finding("major")), lang=lang)
    assert f'<use href="#sign-major"/></svg>{WORDS[lang]["major"]}' in page


def test_boxes_and_rows_lead_to_each_other() -> None:
    page = Page(report(hazards(finding("minor", [10, 10, 50, 50]), finding("critical", [60, 60, 90, 90]))))
    assert {"s1r1", "s1r2", "s1b1", "s1b2"} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert all(link.removeprefix("#") in page.ids for link in page.links)


def test_photos_are_in_the_file_and_bounded_in_number() -> None:
    page = report(*(hazards(number=number) for number in (1, 2, 3)), max_photos=2, lang="en")
    assert page.count("data:image/jpeg;base64,") == 2
    assert WORDS["en"]["left_out_photos"] in page


def test_a_photo_that_is_gone_is_said_to_be() -> None:
    assert WORDS["zh"]["no_photo"] in report(hazards(), photo=None)


def test_scans_beyond_the_bound_are_left_out_and_told() -> None:
    page = report(*(hazards(number=number) for number in range(1, 6)), max_scans=3, lang="en")
    assert page.count('class="scan"') == 3
    assert "More than 3 photos match; the newest 3 are shown." in page


def test_scans_are_told_in_the_order_in_which_they_happened() -> None:
    page = report(hazards(number=2, filename="later.jpg"), hazards(number=1, filename="earlier.jpg"))
    assert page.index("earlier.jpg") < page.index("later.jpg")


def test_a_corrected_value_stands_beside_the_models() -> None:
    fixed = entry(items=[row(name="水", regular_price=5.8)], corrections=[corrected("regular_price", 58, 5.8)])
    page = Page(report(fixed)).text
    assert "5.80" in page
    assert "58.00" in page
    assert "王芳" in page


def test_a_reading_that_is_incomplete_claims_nothing() -> None:
    page = report(failed(1), hazards(number=2, status="partial"), lang="en")
    assert "2 photos have no reading, or a partial one" in page
    assert "The engine died." in page


def test_what_changed_since_the_visit_before_is_told() -> None:
    change = Change(
        "店 1",
        "safety_check",
        datetime(2026, 11, 1, tzinfo=UTC),
        datetime(2026, 11, 8, tzinfo=UTC),
        "1 resolved, 0 remaining, 1 new.",
        {
            "resolved": [row(hazard="exposed_wiring", severity="major")],
            "remaining": [],
            "new": [row(hazard="wet_floor")],
        },
    )
    page = Page(report(hazards(), changes=(change,), lang="en")).text
    assert "Resolved (1)" in page
    assert "Remaining" not in page.split("Resolved (1)")[1].split("New (1)")[0]
    assert "exposed wiring" in page


def test_nothing_to_report_is_a_report_too() -> None:
    assert WORDS["zh"]["no_scans"] in report()


def test_it_has_places_to_sign_and_breaks_for_pages() -> None:
    page = report(hazards())
    assert 'class="signatures"' in page
    assert "@media print" in page
    assert "break-before: page" in page


def test_it_forbids_itself_scripts_and_everything_from_elsewhere() -> None:
    page = report(hazards())
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in page
    assert not re.search(r"(src|href)=\"(?!#|data:)", page)


TEXT = st.text(max_size=30) | st.sampled_from(
    [HOSTILE, "</style><script>alert(1)</script>", '"><svg onload=alert(1)>', "{{ 7*7 }}", "{% raw %}", "javascript:x"]
)


@given(TEXT, TEXT, TEXT)
@settings(deadline=None, max_examples=30)
def test_text_from_photos_is_only_ever_text(one: str, other: str, name: str) -> None:
    rows = [row([1, 1, 9, 9], **{"name": one, name or "x": other, "evidence": other})]
    page = report(
        entry(
            items=[{**rows[0], "bbox": [1, 1, 9, 9]}],
            findings=[{**rows[0], "severity": other, "bbox": None}],
            corrections=[corrected(name, one, other)],
            store_id=one,
            filename=other,
            task=name,
            scan_id=one,
        )
    )
    seen = Page(page)
    assert seen.tags <= TAGS
    assert not [attribute for attribute in seen.attributes if attribute.startswith("on")]
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08]", page)


def test_what_was_read_is_no_template() -> None:
    assert "{{ 7*7 }}" in Page(report(entry(items=[row(name="{{ 7*7 }}")]))).text


def test_hostile_text_is_shown_and_cut_where_it_fills_pages() -> None:
    page = Page(report(hazards(finding("major", evidence=HOSTILE + "长" * 10_000)))).text
    assert "<img src=x onerror=alert(1)> gnp.exe" in page
    assert "长" * 300 in page
    assert "长" * 1000 not in page


def test_rows_beyond_what_a_page_can_bear_are_counted() -> None:
    page = Page(report(entry(items=[row(name=f"n{number}") for number in range(MAX_ROWS + 5)]), lang="en")).text
    assert "5 more rows are not listed" in page


BOX = st.tuples(st.integers(0, 380), st.integers(0, 280), st.integers(1, 400), st.integers(1, 300)).map(
    lambda it: [it[0], it[1], it[0] + it[2], it[1] + it[3]]
)


@given(st.lists(BOX, max_size=30))
@settings(deadline=None, max_examples=30)
def test_numbers_stay_on_the_photo(boxes: list[list[int]]) -> None:
    speaker = Speaker("zh", {})
    lines = in_order(entry(items=[row(box) for box in boxes]).lines())
    marks = place_marks([row_view(line, number, speaker) for number, line in enumerate(lines, 1)], 400, 300)
    assert sorted(mark.number for mark in marks) == list(range(1, len(boxes) + 1))
    for mark in marks:
        left, top, right, bottom = mark.badge
        assert 0 <= left < right <= 400
        assert 0 <= top < bottom <= 300


def test_every_word_is_there_in_both_languages() -> None:
    assert set(WORDS["zh"]) == set(WORDS["en"])
