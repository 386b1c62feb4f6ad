"""Collects facts about dates from the lines of a label: joins words with the values to their right or below them.

First step of `expiry.py`, which groups the facts into rows.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import combinations

from pixel_agent.core import Lang, Notice
from pixel_agent.tasks.rules.date_shapes import connects
from pixel_agent.tasks.rules.date_words import find_words, normalise
from pixel_agent.tasks.rules.dates import (
    DateKind,
    DateMention,
    Doubt,
    doubtful_dates,
    evidence_of,
    find_dates,
)
from pixel_agent.tasks.rules.durations import DurationMention, find_durations, parse_duration
from pixel_agent.tasks.rules.expiry_words import (
    AFTER_OPENING,
    GOODS_NAME,
    LIFE,
    LOT,
    NEXT_LABEL,
    OF_ANYTHING,
    OF_OPENING,
    OFFER,
    SEE_ELSEWHERE,
    TAIL,
)
from pixel_agent.tasks.rules.layout import Placed, below, merge, right_of, straighten
from pixel_agent.tasks.rules.page import Page
from pixel_agent.tasks.rules.promos import find_promotions

_PRODUCTION = ("production", "packed")
_LAST = ("expiry", "best_before", "use_by", "sell_by")
_LONGEST = 500
_FIGURES = re.compile(r"[0-9](?:[\s./\-]?[0-9]){3,}")
_WHOLE_WORD = 3
"""Minimum length of a word: shorter ones occur beside too many other numbers (`BB 1234`)."""
_SHORT = 24
"""Maximum number of characters of a line that can be a value without its word."""
_REACH = 10.0
"""Maximum distance of a date from its promotion, in heights of the larger text: posters have wide spacing."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One value for one field of a row, with the pieces of text that state it.

    `unlabelled` is a separate field, and so is `unread`: digits beside a word for a last day that give no day.
    """

    field: str
    value: str
    pieces: tuple[Placed, ...]
    date_type: str | None = None
    doubtful: bool = False
    """Whether the printed digits could mean another day."""

    @property
    def top(self) -> float:
        """The top edge, in the straightened frame."""
        return min(piece.top for piece in self.pieces)

    @property
    def left(self) -> float:
        """The left edge, in the straightened frame."""
        return min(piece.left for piece in self.pieces)

    def conflicts(self, other: Fact) -> bool:
        """Whether the two facts cannot be on one label. A lot can be printed twice."""
        if self.field != other.field or self.field in ("unlabelled", "unread"):
            return False
        return self.field != "lot" or self.value != other.value


@dataclass(frozen=True, slots=True)
class _Entry:
    text: str
    pieces: tuple[Placed, ...]


def collect(page: Page) -> tuple[list[Fact], list[Notice]]:
    """Every fact about dates on a page, from top to bottom, and the notices for a reviewer."""
    pieces = _pieces(page)
    evidence = evidence_of(piece.text for piece in pieces)
    offers = [piece for piece in pieces if _speaks_of_offer(piece.text)]
    goods = [piece for piece in pieces if _speaks_of_goods(piece.text)] if offers else []
    entries = [entry for entry in _entries(pieces, page.today) if not _of_offer(entry, offers, goods, page.today)]
    facts: list[Fact] = []
    warnings: list[Notice] = []
    for entry in entries:
        mentions = find_dates(entry.text, page.today, yearless=True, evidence=evidence)
        facts += [fact for mention in mentions if (fact := _dated(mention, entry)) is not None]
        facts += _life(entry) + _lot(entry)
        warnings += [notice for mention in mentions for notice in _unsure(mention, page.lang)]
        doubts = doubtful_dates(entry.text, page.today, evidence=evidence)
        warnings += [_doubt(doubt, page.lang) for doubt in doubts]
        unread = None if mentions or doubts else _unread(entry)
        facts += [Fact("unread", doubt.raw, entry.pieces, doubtful=True) for doubt in doubts]
        if unread is not None:
            facts.append(Fact("unread", unread, entry.pieces, doubtful=True))
            warnings.append(_not_understood(unread, page.lang))
    facts, notices = _explain(facts, _unanswered(entries, page.today), page)
    return facts + (_named(pieces) if facts else []), warnings + notices


def has_unanswered_words(page: Page) -> bool:
    """Whether a page has a word for a date without the date, and without a reference to another place."""
    entries = _entries(_pieces(page), page.today)
    left = [entry for entry in entries if not SEE_ELSEWHERE.search(normalise(entry.text)[0])]
    return bool(_unanswered(left, page.today) - {"lot"})


def _pieces(page: Page) -> list[Placed]:
    """The lines of a page; a line longer than those of labels is cut, to limit the processing time."""
    return _joined([replace(piece, text=piece.text[:_LONGEST]) for piece in straighten(page.lines)])


def _joined(pieces: list[Placed]) -> list[Placed]:
    """The lines, after joining those that share a word: `Consumir preferentemente` over `antes del 22/11/27`."""
    joined: list[Placed] = []
    rest = list(pieces)
    while rest:
        piece = rest.pop(0)
        following = below(piece, rest)
        text = f"{piece.text} {following.text}" if following is not None else ""
        if following is not None and _spans(text, len(piece.text)):
            rest.remove(following)
            rest.insert(0, merge((piece, following), text, height=piece.height))
        else:
            joined.append(piece)
    return joined


def _spans(text: str, place: int) -> bool:
    """Whether a word for a kind of date spans an offset in a text, and is incomplete without the text after it."""
    plain, places = normalise(text)
    return any(places[word.start] < place < places[word.end - 1] for word in find_words(plain))


def _entries(pieces: list[Placed], today: date) -> list[_Entry]:
    """The lines, where a word without a value is joined with the value to its right, or else below it."""
    values = [piece for piece in pieces if _is_value(piece.text, today)]
    lots = [piece for piece in pieces if _is_lot(piece.text)]
    partners: dict[int, Placed] = {}
    for word in pieces:
        wanted = None if word in values else _wants_value(word.text)
        if wanted is None:
            continue
        taken = [id(partner) for partner in partners.values()]
        free = [value for value in (lots if wanted == "lot" else values) if id(value) not in taken]
        partner = right_of(word, free) or below(word, free)
        if partner is not None and partner is not word:
            partners[id(word)] = partner
    taken = [id(partner) for partner in partners.values()]
    entries = []
    for piece in pieces:
        if id(piece) in partners:
            partner = partners[id(piece)]
            entries.append(_Entry(f"{piece.text} {partner.text}", (piece, partner)))
        elif id(piece) not in taken:
            entries.append(_Entry(piece.text, (piece,)))
    return entries


def _is_value(text: str, today: date) -> bool:
    plain = normalise(text)[0]
    words = find_words(plain)
    if (words and words[0].start == 0) or LIFE.search(plain):
        return False
    # Read as if a keyword came first: then short forms and days without a year are dates.
    labelled = f"EXP: {text}" if len(plain) <= _SHORT else text
    dated = find_dates(labelled, today, yearless=True) or doubtful_dates(labelled, today)
    return bool(dated or find_durations(text))


def _is_lot(text: str) -> bool:
    plain = normalise(text)[0]
    return LOT.fullmatch(plain) is not None and re.search(r"\d", plain) is not None


def _wants_value(text: str) -> str | None:
    """The kind of the last word of a line, if the line ends without the word's value."""
    plain = normalise(text)[0]
    words = [(word.end, str(word.kind)) for word in find_words(plain)]
    words += [(life.end(), "life") for life in LIFE.finditer(plain)]
    end, kind = max(words, default=(0, None))
    return kind if kind and TAIL.fullmatch(plain[end:]) else None


def _dated(mention: DateMention, entry: _Entry) -> Fact | None:
    iso = mention.date.isoformat()
    if mention.kind in _PRODUCTION:
        return Fact("production_date", iso, entry.pieces, doubtful=_is_doubtful(mention))
    if mention.kind in _LAST:
        return Fact("expiry_date", iso, entry.pieces, mention.kind, _is_doubtful(mention))
    return Fact("unlabelled", iso, entry.pieces) if mention.kind is None else None


def _is_doubtful(mention: DateMention) -> bool:
    return mention.ambiguous or mention.year_assumed


def _life(entry: _Entry) -> list[Fact]:
    """The shelf life as printed: durations after its word, except one that counts from opening."""
    plain, places = normalise(entry.text)
    spans = find_durations(entry.text)
    start = _life_start(plain, places, spans)
    if start is None:
        return []
    spans = [mention for mention in spans if mention.start >= start]
    previous = 0
    kept: list[DurationMention] = []
    for mention in spans:
        after = entry.text[mention.end :] if mention is spans[-1] else ""
        opened = OF_OPENING.match(normalise(after)[0])
        if not opened and not AFTER_OPENING.search(normalise(entry.text[previous : mention.start])[0]):
            kept.append(mention)
        previous = mention.end
    if not kept:
        return []
    alike = len({mention.duration for mention in kept}) == 1
    end = kept[0].end if alike else kept[-1].end
    return [Fact("shelf_life", entry.text[kept[0].start : end], entry.pieces)]


def _life_start(plain: str, places: list[int], spans: list[DurationMention]) -> int | None:
    """Offset of a shelf life: its word, or a word for a last day before a duration (`BEST BEFORE 18 MONTHS`)."""
    word = LIFE.search(plain)
    if word is not None:
        return places[word.start()]
    for found in find_words(plain):
        following = next((mention.start for mention in spans if mention.start >= places[found.end - 1]), None)
        if (
            following is not None
            and found.kind in _LAST
            and connects(plain[found.end : bisect_left(places, following)])
        ):
            return places[found.start]
    return None


def _lot(entry: _Entry) -> list[Fact]:
    plain, places = normalise(entry.text)
    coded = re.search(rf"\(10\)\s?({LOT.pattern})", plain)
    if coded and re.search(r"\([01]\d\)\s?\d", plain):
        return [Fact("lot", entry.text[places[coded.start(1)] : places[coded.end(1) - 1] + 1], entry.pieces)]
    for word in find_words(plain):
        if word.kind != "lot":
            continue
        match = re.compile(rf"[\s:.#]*(?:NO\.?|号)?[\s:.#]*({LOT.pattern})").match(plain, word.end)
        if match and re.search(r"\d", match[1]):
            value = entry.text[places[match.start(1)] : places[match.end(1) - 1] + 1]
            return [Fact("lot", value, entry.pieces)]
    return []


def doubts_about(text: str, today: date, lang: Lang) -> list[Notice]:
    """Notices about the dates of one text: other readings, assumed years, days that do not exist."""
    mentions = find_dates(text, today, yearless=True)
    notices = [notice for mention in mentions for notice in _unsure(mention, lang)]
    return notices + [_doubt(doubt, lang) for doubt in doubtful_dates(text, today)]


def _unsure(mention: DateMention, lang: Lang) -> list[Notice]:
    notices = []
    if mention.ambiguous:
        zh = f"{mention.raw} 有多种读法，按 {mention.date} 处理，请人工核对。"
        en = f"{mention.raw} can be read in more than one way; read as {mention.date}."
        notices.append(Notice("date_ambiguous", zh if lang == "zh" else en))
    if mention.year_assumed:
        zh = f"{mention.raw} 没有年份，按 {mention.date} 处理，请人工核对。"
        en = f"{mention.raw} has no year; read as {mention.date}, please check."
        notices.append(Notice("date_year_assumed", zh if lang == "zh" else en))
    return notices


def _unread(entry: _Entry) -> str | None:
    """A word for a last day with digits after it that no rule can read; None if all is read."""
    plain, places = normalise(entry.text)
    if find_durations(entry.text) or SEE_ELSEWHERE.search(plain):
        return None
    for word in find_words(plain):
        figures = _FIGURES.search(plain, word.end, word.end + 40)
        named = word.kind in _LAST and word.end - word.start >= _WHOLE_WORD
        if named and figures and connects(plain[word.end : figures.start()]):
            return entry.text[places[word.start] : places[figures.end() - 1] + 1]
    return None


def _not_understood(raw: str, lang: Lang) -> Notice:
    zh, en = f"{raw} 无法理解，请人工核对。", f"{raw} is not understood; please check."
    return Notice("not_understood", zh if lang == "zh" else en)


def _doubt(doubt: Doubt, lang: Lang) -> Notice:
    raw = doubt.raw
    if doubt.reason == "impossible":
        zh, en = (
            f"没有 {raw} 这一天，未采用，请人工核对。",
            f"There is no such day as {raw}; it is not used, please check.",
        )
        return Notice("date_impossible", zh if lang == "zh" else en)
    zh, en = f"{raw} 没有年份，无法判断，请人工核对。", f"{raw} has no year, and none makes sense; please check."
    return Notice("date_year_unknown", zh if lang == "zh" else en)


def _of_offer(entry: _Entry, offers: Sequence[Placed], goods: Sequence[Placed], today: date) -> bool:
    """Whether the dates of an entry belong to a promotion: it says so, or is near one and has no word of goods.
    A tag for a sale of goods near expiry is about the goods, not about a promotion.
    """
    if not offers or not find_dates(entry.text, today):
        return False
    plain = normalise(entry.text)[0]
    if _speaks_of_goods(entry.text) or re.search(r"临\s*期", plain):
        return False
    if OFFER.search(plain):
        return True
    near = min((_apart(entry, piece) for piece in offers if piece not in entry.pieces), default=float("inf"))
    return near <= _REACH and near < min((_apart(entry, piece) for piece in goods), default=float("inf"))


def _speaks_of_goods(text: str) -> bool:
    plain = normalise(text)[0]
    words = [plain[word.start : word.end].strip() for word in find_words(plain)]
    words += [life[0].strip() for life in LIFE.finditer(plain)]
    return any(not OF_ANYTHING.fullmatch(word) for word in words)


def _speaks_of_offer(text: str) -> bool:
    return OFFER.search(normalise(text)[0]) is not None or bool(find_promotions(text))


def _apart(entry: _Entry, piece: Placed) -> float:
    """The distance of a piece from an entry, in heights of the larger text."""
    gaps: list[float] = []
    for own in entry.pieces:
        aside = max(own.left - piece.right, piece.left - own.right, 0.0)
        under = max(own.top - piece.bottom, piece.top - own.bottom, 0.0)
        gaps.append(float((aside**2 + under**2) ** 0.5) / max(own.height, piece.height, 1.0))
    return min(gaps)


def _named(pieces: list[Placed]) -> list[Fact]:
    """The names printed after 品名, 产品名称 or 名称, or in the cell beside or below such a word."""
    facts = []
    for piece in pieces:
        plain, places = normalise(piece.text)
        found = GOODS_NAME.match(plain)
        if found is None:
            continue
        if found["name"]:
            stop = NEXT_LABEL.search(plain, found.start("name"))
            end = stop.start() if stop else len(plain)
            name = piece.text[places[found.start("name")] : places[end]].strip() if found["colon"] else ""
            facts += [Fact("name", name, (piece,))] if name else []
            continue
        free = [other for other in pieces if other is not piece and not re.search(r"[:：]", other.text)]
        value = right_of(piece, free) or below(piece, free)
        if value is not None and not _begins_with_word(normalise(value.text)[0]):
            facts.append(Fact("name", value.text.strip(), (piece, value)))
    return facts


def _begins_with_word(plain: str) -> bool:
    words = find_words(plain)
    return bool(words) and words[0].start == 0


def _unanswered(entries: list[_Entry], today: date) -> set[DateKind]:
    """Words for dates whose value is elsewhere (`生产日期：见瓶盖`, or nothing beside them)."""
    kinds: set[DateKind] = set()
    for entry in entries:
        plain = normalise(entry.text)[0]
        if find_dates(entry.text, today, yearless=True) or find_durations(entry.text):
            continue
        for word in find_words(plain):
            rest = plain[word.end : word.end + _LONGEST]
            if TAIL.fullmatch(rest) or SEE_ELSEWHERE.match(rest) or _begins_with_word(rest.lstrip(" /及和:")):
                kinds.add(word.kind)
    return kinds


def _explain(facts: list[Fact], unanswered: set[DateKind], page: Page) -> tuple[list[Fact], list[Notice]]:
    """Label unlabelled dates if only one meaning is possible; otherwise add a notice for a reviewer."""
    loose = [fact for fact in facts if fact.field == "unlabelled"]
    if not loose:
        return facts, []
    known = {fact.field for fact in facts}
    made = "production_date" not in known and bool(unanswered & set(_PRODUCTION))
    last = next((kind for kind in _LAST if kind in unanswered and "expiry_date" not in known), None)
    days = sorted({fact.value for fact in loose})
    meaning: dict[str, tuple[str, str | None]] = {}
    if len(days) == 1 and made != bool(last):
        meaning = {days[0]: ("production_date", None) if made else ("expiry_date", last)}
    elif len(days) == 2 and (
        (made and last) or (not known & {"production_date", "expiry_date"} and _proven(facts, days))
    ):
        meaning = {days[0]: ("production_date", None), days[1]: ("expiry_date", last)}
    if any(field == "production_date" and date.fromisoformat(day) > page.today for day, (field, _) in meaning.items()):
        meaning = {}
    if not meaning:
        return facts, [_unlabelled(days, page.lang)]
    explained = [
        replace(fact, field=meaning[fact.value][0], date_type=meaning[fact.value][1]) if fact in loose else fact
        for fact in facts
    ]
    return explained, [_eliminated(days, page.lang)]


def _unlabelled(days: list[str], lang: Lang) -> Notice:
    zh = f"没有字样说明 {'、'.join(days)} 是什么日期，请人工核对。"
    en = f"No word says what {', '.join(days)} means; please check."
    return Notice("date_unlabelled", zh if lang == "zh" else en)


def _eliminated(days: list[str], lang: Lang) -> Notice:
    zh = f"{'、'.join(days)} 与说明它的字样不在一处，按排除法判断，请人工核对。"
    en = f"{', '.join(days)} stands apart from the word that explains it; please check."
    return Notice("date_by_elimination", zh if lang == "zh" else en)


def _proven(facts: list[Fact], days: list[str]) -> bool:
    """Whether two dates are exactly a printed shelf life apart."""
    lives = [duration for fact in facts if fact.field == "shelf_life" and (duration := parse_duration(fact.value))]
    return any(
        abs((life.after(date.fromisoformat(a)) - date.fromisoformat(b)).days) <= 2
        for life in lives
        for a, b in combinations(days, 2)
    )
