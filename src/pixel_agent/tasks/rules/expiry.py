"""The rules of the expiry task: reads label lines into rows, and computes last days from shelf lives.

Rows have `name` as printed after 品名 (null elsewhere), `production_date`, `expiry_date` (only if printed) as ISO dates,
`shelf_life` as printed, `lot`, and `date_type`: the kind of the printed last date, one of `best_before`, `use_by`,
`sell_by`, `expiry`, or null. A packing date counts as a production date. Dates without a keyword are not guessed: they
are listed in `unlabelled_dates`.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

from pydantic import JsonValue

from pixel_agent.core import Draft, Row, Source
from pixel_agent.tasks.rules.dates import parse_date, parse_duration, parse_gs1_date
from pixel_agent.tasks.rules.durations import Duration
from pixel_agent.tasks.rules.expiry_facts import Fact, collect, has_unanswered_words
from pixel_agent.tasks.rules.layout import Placed, cover
from pixel_agent.tasks.rules.page import Page

TOLERANCE: Final = timedelta(days=2)
"""Allowed difference of printed and computed expiry: some makers count the production day, some do not."""

DOUBTFUL: Final = 0.5
"""Maximum confidence of a row with an ambiguous date."""

_LITTLE_TEXT: Final = 100
"""A label with more characters than this was read well enough."""
_DATED: Final = ("production_date", "expiry_date")


def read_expiry(page: Page) -> Draft:
    """One row for each label that the layout separates; lines without information about dates are ignored."""
    facts, warnings = collect(page)
    clusters = _drop_leftovers(
        [cluster for cluster in _clusters(facts) if {fact.field for fact in cluster} != {"name"}]
    )
    clusters.sort(key=lambda cluster: min((fact.top, fact.left) for fact in cluster))
    return Draft(items=tuple(_row(cluster) for cluster in clusters), warnings=tuple(warnings))


def lacks_dates(page: Page, draft: Draft) -> bool:
    """Whether a page with little text gave no date, or has a word for a date without the date."""
    few = sum(len(line.text) for line in page.lines) <= _LITTLE_TEXT
    return few and (not date_values(draft) or has_unanswered_words(page))


def date_values(draft: Draft) -> frozenset[str]:
    """Every date in a draft, each with its field."""
    found = {f"{name} {row.fields[name]}" for row in draft.items for name in _DATED if row.fields.get(name)}
    for row in draft.items:
        loose = row.fields.get("unlabelled_dates")
        found |= {f"unlabelled {day}" for day in loose} if isinstance(loose, list) else set()
    return frozenset(found)


def complete_expiry(fields: Mapping[str, JsonValue], today: date, near_days: int = 30) -> dict[str, JsonValue]:
    """Add `expiry_date` (computed if none is printed: `expiry_computed`), `days_left` and `status` to the fields.

    `status` is `ok`, `near` (at most `near_days` left, the last day included), `expired`, `unreadable` (no last date),
    or `unclear` with a `reason`: `production_in_future`, `production_after_expiry`, `expiry_contradicts_shelf_life`.
    If it is unclear, nothing is computed or chosen.
    """
    made = _day(fields.get("production_date"), today, first=True)
    printed = _day(fields.get("expiry_date"), today, first=False)
    life = fields.get("shelf_life")
    computed = _after(parse_duration(life) if isinstance(life, str) else None, made)
    reason = _contradiction(made, printed, computed, today)
    last = printed if reason else printed or computed
    status = "unclear" if reason else "unreadable"
    days_left: int | None = None
    if last is not None and reason is None:
        days_left = (last - today).days
        status = "expired" if days_left < 0 else "near" if days_left <= near_days else "ok"
    done: dict[str, JsonValue] = {
        **fields,
        "production_date": _iso(made),
        "expiry_date": _iso(last),
        "expiry_computed": last is not None and printed is None,
        "days_left": days_left,
        "status": status,
    }
    return done | ({"reason": reason} if reason else {})


def gs1_expiry(gs1: Mapping[str, str], today: date) -> dict[str, JsonValue]:
    """The fields of a row from GS1 application identifiers: 11 and 13 (made, packed), 17, 7003, 15, 16, and 10 (lot).

    Of several last dates the strictest kind is used: expiry (17, 7003), best before (15), sell by (16).
    """
    made = next((found for ai in ("11", "13") if (found := parse_gs1_date(gs1.get(ai, ""), today))), None)
    last: date | None = None
    date_type: str | None = None
    for ai, kind in (("17", "expiry"), ("7003", "expiry"), ("15", "best_before"), ("16", "sell_by")):
        last = parse_gs1_date(gs1.get(ai, "")[:6], today)
        if last is not None:
            date_type = kind
            break
    return {
        "production_date": _iso(made),
        "shelf_life": None,
        "expiry_date": _iso(last),
        "date_type": date_type,
        "lot": gs1.get("10") or None,
    }


def _day(value: JsonValue, today: date, *, first: bool) -> date | None:
    """Parse a date from a rule or a model. A month alone gives its first day if `first`, else its last."""
    if not isinstance(value, str):
        return None
    return parse_date(f"{'MFG' if first else 'EXP'}: {value}", today, yearless=True)


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _after(life: Duration | None, made: date | None) -> date | None:
    if life is None or made is None:
        return None
    try:
        return life.after(made)
    except OverflowError:
        return None


def _contradiction(made: date | None, printed: date | None, computed: date | None, today: date) -> str | None:
    if made is not None and made > today:
        return "production_in_future"
    if made is not None and printed is not None and made > printed:
        return "production_after_expiry"
    if printed is None or computed is None or abs(printed - computed) <= TOLERANCE:
        return None
    month_end = printed.day == calendar.monthrange(printed.year, printed.month)[1]
    # If only the month was printed, it was read as its last day.
    same_month = (printed.year, printed.month) == (computed.year, computed.month)
    return None if month_end and same_month else "expiry_contradicts_shelf_life"


def _clusters(facts: list[Fact]) -> list[list[Fact]]:
    """Group the facts by label: the nearest are joined first, as long as no field is stated twice."""
    cluster_of = [[fact] for fact in facts]
    pairs = sorted((_distance(facts[i], facts[j]), i, j) for i in range(len(facts)) for j in range(i))
    # A conflict is permanent, so every pair of facts is checked only once.
    for _, i, j in pairs:
        one, other = cluster_of[j], cluster_of[i]
        if one is not other and not any(a.conflicts(b) for a in one for b in other):
            one += other
            for index, cluster in enumerate(cluster_of):
                if cluster is other:
                    cluster_of[index] = one
    return list({id(cluster): cluster for cluster in cluster_of}.values())


def _distance(a: Fact, b: Fact) -> float:
    return min(_gap(one, other) for one in a.pieces for other in b.pieces)


def _gap(one: Placed, other: Placed) -> float:
    aside = max(one.left - other.right, other.left - one.right, 0)
    under = max(one.top - other.bottom, other.top - one.bottom, 0)
    return float((aside**2 + under**2) ** 0.5)


def _drop_leftovers(clusters: list[list[Fact]]) -> list[list[Fact]]:
    """Give every shelf life to the only dated label; drop a lot without dates if another label has dates."""
    dated = [cluster for cluster in clusters if any(fact.field in _DATED for fact in cluster)]
    if not dated:
        return clusters
    rest = [cluster for cluster in clusters if cluster not in dated]
    lives = [cluster for cluster in rest if any(fact.field == "shelf_life" for fact in cluster)]
    if len(dated) == 1:
        dated[0].extend(fact for cluster in lives for fact in cluster)
        return dated
    return dated + lives


def _row(cluster: list[Fact]) -> Row:
    values = {fact.field: fact.value for fact in reversed(cluster) if fact.field != "unlabelled"}
    lives = list(dict.fromkeys(fact.value for fact in cluster if fact.field == "shelf_life"))
    loose = sorted({fact.value for fact in cluster if fact.field == "unlabelled"})
    fields: dict[str, JsonValue] = {
        "name": values.get("name"),
        "production_date": values.get("production_date"),
        "shelf_life": " / ".join(lives) or None,
        "expiry_date": values.get("expiry_date"),
        "date_type": next((fact.date_type for fact in cluster if fact.date_type), None),
        "lot": values.get("lot"),
    }
    if loose:
        fields["unlabelled_dates"] = list(loose)
    pieces = [piece for fact in cluster for piece in fact.pieces]
    confidence = min(line.confidence for piece in pieces for line in piece.lines)
    if any(fact.doubtful for fact in cluster):
        confidence = min(confidence, DOUBTFUL)
    return Row(fields, cover(pieces), Source.TEXT, confidence)
