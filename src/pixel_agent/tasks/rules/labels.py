"""Reads labelled values of a price tag: `品名：X`, `产地/Origin: Y`, a label in one cell and its value in the next."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from pixel_agent.tasks.rules.layout import Placed, below, right_of
from pixel_agent.tasks.rules.prices import PRICE_LABEL, find_prices
from pixel_agent.tasks.rules.units import half_width, normal_unit, simplified

_WORDS: Final[dict[str, str]] = {
    "name": r"商\s*品\s*名\s*称|药\s*品\s*名\s*称|通\s*用\s*名\s*称?|商\s*品\s*品\s*名|产\s*品\s*名\s*称|商\s*品\s*名|产\s*品\s*名|菜\s*名|"
    r"货\s*名|品\s*名|名\s*称|"
    r"product\s*name|product|name|item",
    "origin": r"原\s*产\s*国|原\s*产\s*地|生\s*产\s*地|产\s*地(?:\s*直\s*[供采发达购运])?|产\s*区|"
    r"country\s*of\s*origin|place\s*of\s*origin|origin|"
    r"made\s*in|product\s*of|produced\s*in",
    "spec": r"包\s*装\s*规\s*格|规\s*格\s*型\s*号|规\s*格\s*/\s*型\s*号|净\s*含\s*量|规\s*格|净\s*重|容\s*量|"
    r"net\s*(?:weight|wt\.?|content|vol\.?)|net|spec(?:ification)?|size",
    "unit": r"计\s*价\s*单\s*位|计\s*量\s*单\s*位|销\s*售\s*单\s*位|单\s*位(?!价)|unit(?!\s*price)",
    "grade": r"质\s*量\s*等\s*级|商\s*品\s*等\s*级|等\s*级|级\s*别|grade",
    "gtin": r"商\s*品\s*条\s*码|国\s*际\s*条\s*码|条\s*形\s*码|条\s*码|barcode|ean|gtin|upc",
    "valid_until": r"有\s*效\s*期\s*至|有\s*效\s*期|促\s*销\s*期\s*至|促\s*销\s*期|促\s*销\s*时\s*间|"
    r"促\s*销\s*日\s*期|活\s*动\s*时\s*间|"
    r"活\s*动\s*日\s*期|活\s*动\s*期|特\s*价\s*期|截\s*止\s*日?\s*期?|截\s*至|执\s*行\s*日\s*期|valid\s*(?:until|till|thru)|until",
    "brand": r"品\s*牌|brand",
    "": r"货\s*号|编\s*号|编\s*码|店\s*内\s*码|商\s*品\s*编\s*码|商\s*品\s*码|物\s*价\s*员|核\s*价\s*员|"
    r"监\s*制|电\s*话|热\s*线|库\s*存|"
    r"供\s*应\s*商|生\s*产\s*商|生\s*产\s*企\s*业|生\s*产\s*厂\s*家|厂\s*家|批\s*准\s*文\s*号|备\s*注|经\s*销\s*商|陈\s*列|日\s*期|打\s*印|sku|plu|tel|code|no\.|保\s*质\s*期|生\s*产\s*日\s*期|"
    r"重\s*量|重\s*量\s*\(?kg\)?|数\s*量|配\s*料|储\s*存|贮\s*存|材\s*质|颜\s*色|型\s*号|款\s*号|尺\s*码|口\s*味",
}  # fmt: skip
_NEEDS_COLON: Final = re.compile(
    r"name|item|product|net|size|unit|until|no\.|code|tel|数\s*量|日\s*期|打\s*印|陈\s*列|材\s*质|口\s*味"
)
_PRICES: Final = f"{PRICE_LABEL.pattern}"
_LABEL: Final = re.compile(
    "|".join(f"(?P<{field or 'other'}>{words})" for field, words in _WORDS.items()) + f"|(?P<price>{_PRICES})",
    re.IGNORECASE,
)
_TRANSLATION: Final = re.compile(
    r"\s*[/(|]?\s*(?:country of origin|place of origin|origin|net\s*(?:wt\.?|weight|content|vol\.?)?|"
    r"spec(?:ification)?s?|unit|grade|product name|product|name|item|size|brand|barcode)\s*\)?(?=\s*[::]|\s|$)",
    re.IGNORECASE,
)
_EMPTY: Final = re.compile(r"[\s:;,.|/_()\-—~]*")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A labelled value, with the pieces of label and value; `value` is empty for a label without a value."""

    field: str
    value: str
    pieces: tuple[Placed, ...]


@lru_cache(maxsize=4096)
def parse_labels(text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The text before the first label, and each (field, value) of a text; ignore the fields `price` and ``."""
    plain, words = half_width(text), simplified(text)
    marks: list[tuple[int, int, str]] = []
    for found in _LABEL.finditer(words):
        field = found.lastgroup or ""
        end = found.end()
        translated = _TRANSLATION.match(words, end)
        if translated and field != "price":
            end = translated.end()
        if marks and found.start() < marks[-1][1]:
            continue
        if _is_label(words, found, end, field, follows=bool(marks)):
            marks.append((found.start(), end, "" if field == "other" else field))
    if not marks:
        return plain, ()
    ends = [start for start, _, _ in marks[1:]] + [len(plain)]
    values = tuple((field, _clean(plain[end:stop])) for (_, end, field), stop in zip(marks, ends, strict=True))
    return plain[: marks[0][0]].strip(), values


def labelled_values(pieces: Sequence[Placed]) -> list[Labelled]:
    """Every labelled value of a tag; a label without a value in its line uses the piece to the right, else below."""
    found: list[Labelled] = []
    taken: set[int] = set()
    for piece in pieces:
        for field, value in parse_labels(piece.text)[1]:
            if field == "price":
                continue
            if value or not field:
                found.append(Labelled(field, value, (piece,)))
                continue
            free = [other for other in pieces if id(other) not in taken and not is_labelled(other.text)]
            other = right_of(piece, free) or below(piece, free)
            if other is not None and _suits(field, other.text):
                taken.add(id(other))
                found.append(Labelled(field, _clean(half_width(other.text)), (piece, other)))
            else:
                found.append(Labelled(field, "", (piece,)))
    return found


def is_labelled(text: str) -> bool:
    """Whether a text begins with any label, price labels included."""
    before, values = parse_labels(text)
    return bool(values) and not before


def _is_label(text: str, found: re.Match[str], end: int, field: str, *, follows: bool) -> bool:
    colon = re.match(r"\s*[)]?\s*[:;]", text[end:]) is not None
    opens = not text[: found.start()].strip(" ([*·-") or text[found.start() - 1] in " ;,|/)"
    if field == "price":
        outright = opens and re.search(r"(?:价格?|price)$", found[0], re.IGNORECASE) is not None
        outright = outright and re.match(r"[\u4e00-\u9fff]", text[end:]) is None  # 特价鸡蛋 is a name
        return outright or re.match(r"\s*(?:$|[:;(¥\d])", text[end:]) is not None
    if _NEEDS_COLON.fullmatch(found[0].lower()):
        return colon and opens
    if colon:
        return True
    if not opens and not (follows and field in ("origin", "unit", "spec", "grade")):  # 规格300毫升产地浙江
        return False
    rest = text[end:]
    if field == "unit":
        rest = PRICE_LABEL.sub("", rest)  # 单位 500g销售价, the price in a line of its own
        return not rest.strip() or normal_unit(rest.split()[0]) is not None
    if found[0].isascii():  # Store Brand Flour is a name
        return (rest[:1] == " " or not rest) and (follows or not text[: found.start()].strip(" ([*·-"))
    return True


def _suits(field: str, text: str) -> bool:
    if find_prices(text):
        return False
    if field == "unit":
        return normal_unit(text) is not None
    if field in ("gtin", "valid_until"):
        return re.search(r"\d{2}", text) is not None
    return field != "origin" or re.search(r"\d", text) is None


def _clean(value: str) -> str:
    value = value.strip().strip(":;,|_~ ")
    value = re.sub(r"^[.\-—/]+\s*|\s*[\-—/]+$", "", value).strip()
    if value.startswith("(") and value.endswith(")"):
        value = value[1:-1].strip()
    return "" if _EMPTY.fullmatch(value) else value
