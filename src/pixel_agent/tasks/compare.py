"""Compares two finished readings of the same task, before and after. Pure; no photo is read again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import JsonValue

from pixel_agent.core import Box, Draft, FinishContext, Lang, Notice, Reading, Row, Task
from pixel_agent.core.geometry import overlap
from pixel_agent.tasks.columns import FINDING_FIELDS
from pixel_agent.tasks.finishing import Noun, advise, compose, counts, edit, likeness, summarise, text
from pixel_agent.tasks.forms import Form
from pixel_agent.tasks.names import MAX_NAME
from pixel_agent.tasks.options import INNER
from pixel_agent.tasks.products import PRODUCT_FULL_SCAN

DEFAULT_INNER = PRODUCT_FULL_SCAN.id
"""The task for each photo, unless `options.task` names another one."""

MAX_FUZZY = 80
"""Only this many rows of each side are compared by similarity; further rows match only if identical."""

SAME_TEXT = 0.72
SAME_PLACE_TEXT = 0.4
SAME_PLACE_IOU = 0.3
"""Intersection over union from which two boxes overlap. Rows are the same thing if their texts are similar, or half
similar with overlapping boxes: two photos taken by hand never frame a thing in the same way."""

Change = Literal["resolved", "remaining", "new"]
Size = tuple[int, int]

_KEYS = ("rule_id", "position_id", "gtin")
_LABELS = ("hazard", "item", "name", "object", "shop_name", "tag_text", "text", "evidence", "reason")
_NOUNS: dict[Change, Noun] = {
    "resolved": Noun("项已整改", "resolved", "resolved"),
    "remaining": Noun("项仍存在", "remaining", "remaining"),
    "new": Noun("项新出现", "new", "new"),
}


def compare_readings(
    before: Reading,
    after: Reading,
    lang: Lang = "zh",
    *,
    before_size: Size | None = None,
    after_size: Size | None = None,
) -> Reading:
    """Return the difference of two readings as findings with `change` resolved, remaining or new, and their counts.

    Findings are compared if either reading has any, else items; passed checks are skipped. Boxes are compared relative
    to the photos' sizes (width, height), if both are given. A resolved row has the box of the photo before, the others
    that of the photo after. If a reading is incomplete, a missing row proves nothing: the result is incomplete too,
    with a warning.
    """
    old, new = _rows(before, after)
    pairs = _match(old, new, before_size, after_size)
    changed = [*_changed(old, set(pairs), "resolved"), *_remaining(old, new, pairs)]
    changed += _changed(new, set(pairs.values()), "new")
    totals: dict[str, JsonValue] = dict.fromkeys(_NOUNS, 0)
    totals |= counts(changed, "change")
    number_of: dict[Change, int] = {change: sum(row.fields["change"] == change for row in changed) for change in _NOUNS}
    whole = before.complete and after.complete
    return Reading(
        findings=tuple(changed),
        alerts=after.alerts,
        summary=summarise(lang, [(noun, number_of[change]) for change, noun in _NOUNS.items()]),
        totals=totals,
        warnings=_warnings(before, after, lang),
        complete=whole,
    )


def finish_compare(draft: Draft, facts: FinishContext) -> Reading:
    """Return the rows unchanged: a comparison has no model answer of its own."""
    return compose(draft, facts, [(_NOUNS["remaining"], len(draft.findings))], findings=draft.findings)


def _rows(before: Reading, after: Reading) -> tuple[list[Row], list[Row]]:
    if before.findings or after.findings:
        return _open(before.findings), _open(after.findings)
    return list(before.items), list(after.items)


def _open(findings: Sequence[Row]) -> list[Row]:
    return [row for row in findings if row.fields.get("status") not in ("pass", "ok")]


def _match(old: Sequence[Row], new: Sequence[Row], old_size: Size | None, new_size: Size | None) -> dict[int, int]:
    """Match row indices before to row indices after: most similar pairs first, every row at most once."""
    pairs = _identical(old, new)
    left = [i for i in range(len(old)) if i not in pairs][:MAX_FUZZY]
    taken = set(pairs.values())
    right = [j for j in range(len(new)) if j not in taken][:MAX_FUZZY]
    scored = [(_score(old[i], new[j], old_size, new_size), -i, -j) for i in left for j in right]
    for score, i, j in sorted(scored, reverse=True):
        if score > 0 and -i not in pairs and -j not in taken:
            pairs[-i] = -j
            taken.add(-j)
    return pairs


def _identical(old: Sequence[Row], new: Sequence[Row]) -> dict[int, int]:
    """Pairs of rows whose identity occurs exactly once on each side."""
    one, other = _by_identity(old), _by_identity(new)
    return {
        places[0]: other[identity][0]
        for identity, places in one.items()
        if len(places) == 1 and len(other.get(identity, ())) == 1
    }


def _by_identity(rows: Sequence[Row]) -> dict[tuple[str, ...], list[int]]:
    found: dict[tuple[str, ...], list[int]] = {}
    for index, row in enumerate(rows):
        key = next(((name, value) for name in _KEYS if (value := text(row.fields.get(name)))), None)
        identity = key or ("label", text(row.fields.get("kind")), _label(row).casefold())
        if identity[-1]:
            found.setdefault(identity, []).append(index)
    return found


def _score(one: Row, other: Row, one_size: Size | None, other_size: Size | None) -> float:
    """Similarity of two rows: 0 for different things, else higher the more likely both are the same."""
    same_key = False
    for name in (*_KEYS, "kind"):
        own, its = text(one.fields.get(name)), text(other.fields.get(name))
        if own and its and own != its:
            return 0.0
        same_key = same_key or (name in _KEYS and bool(own) and own == its)
    place = _same_place(one.bbox, other.bbox, one_size, other_size)
    alike = likeness(_label(one), _label(other), SAME_PLACE_TEXT)
    same = same_key or alike >= SAME_TEXT or (alike >= SAME_PLACE_TEXT and place >= SAME_PLACE_IOU)
    return float(same) * (1.0 + 2.0 * same_key + alike + place)


def _label(row: Row) -> str:
    return " ".join(dict.fromkeys(words for name in _LABELS if (words := text(row.fields.get(name))[:80])))


def _same_place(one: Box | None, other: Box | None, one_size: Size | None, other_size: Size | None) -> float:
    """Intersection over union of two boxes, each relative to its photo."""
    if one is None or other is None or one_size is None or other_size is None:
        return 0.0
    return overlap(_relative(one, one_size), _relative(other, other_size))


def _relative(box: Box, size: Size) -> tuple[float, float, float, float]:
    width, height = max(1, size[0]), max(1, size[1])
    return box[0] / width, box[1] / height, box[2] / width, box[3] / height


def _changed(rows: Sequence[Row], matched: set[int], change: Change) -> list[Row]:
    return [advise(edit(row, change=change)) for index, row in enumerate(rows) if index not in matched]


def _remaining(old: Sequence[Row], new: Sequence[Row], pairs: dict[int, int]) -> list[Row]:
    return [advise(edit(new[pairs[i]], change="remaining")) for i in range(len(old)) if i in pairs]


def _warnings(before: Reading, after: Reading, lang: Lang) -> tuple[Notice, ...]:
    notices = list(dict.fromkeys((*before.warnings, *after.warnings)))
    if not (before.complete and after.complete):
        message = (
            "有一张照片的结果不完整，差异仅供参考。"
            if lang == "zh"
            else "The reading of one photo is incomplete, so the difference proves nothing."
        )
        notices.append(Notice("compare_incomplete", message))
    return tuple(notices)


COMPARE = Task(
    id="compare",
    zh="整改对比",
    en="Before and after",
    about_zh="前后两张照片各扫描一次，由程序比较：已整改、仍存在、新出现。",
    about_en="Scans two photos and compares them in code: resolved, remaining, new.",
    needs=PRODUCT_FULL_SCAN.needs,
    wants=PRODUCT_FULL_SCAN.wants,
    schema=Form().schema,
    prompt_zh=Form().prompt("本任务由程序比较两次扫描，不需要模型。", "zh"),
    prompt_en=Form().prompt("This task compares two scans in code and needs no model.", "en"),
    finish=finish_compare,
    pixel_budget=1280 * 1024,
    max_new_tokens=16,
    photos=2,
    options={INNER: DEFAULT_INNER},
    option_schema={INNER: {"type": "string", "minLength": 1, "maxLength": MAX_NAME}},
    columns=("change", *PRODUCT_FULL_SCAN.columns, *FINDING_FIELDS),
)
