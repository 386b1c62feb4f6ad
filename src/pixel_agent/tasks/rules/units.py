"""Reads sizes and units on tags: `500ml*12`, `净含量:250g`, `元/斤`. Pure text functions without layout, for all rules."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from pixel_agent.tasks.rules.locale.price_words import every_word

_NARROW: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {
    0x3000: ord(" "),
    0xFFE5: ord("¥"),
    ord("。"): ord("."),
    ord("、"): ord(","),
    ord("∶"): ord(":"),
    ord("﹕"): ord(":"),
    ord("·"): ord("."),
    ord("✕"): ord("×"),
    ord("✖"): ord("×"),
    ord("╱"): ord("/"),
    ord("⁄"): ord("/"),
    ord("∕"): ord("/"),
}
_SIMPLE: Final = str.maketrans(
    "價單產規級員現優銷條碼淨凈會稱國質動時間塊賣總計熱線電話貨號",
    "价单产规级员现优销条码净净会称国质动时间块卖总计热线电话货号",
)

_UNIT_NAMES: Final[dict[str, str]] = {
    "毫升": "ml", "ml": "ml", "升": "L", "l": "L", "克": "g", "g": "g", "千克": "kg", "公斤": "kg", "kg": "kg",
    "㎏": "kg", "毫克": "mg", "mg": "mg", "厘升": "cl", "cl": "cl", "市斤": "斤", "磅": "lb", "lb": "lb", "oz": "oz",
    "盎司": "oz", "米": "m", "m": "m", "cm": "cm", "厘米": "cm", "mm": "mm",
    "pcs": "pcs", "pc": "pcs", "ea": "ea", "each": "ea",
    "liter": "L", "litre": "L", "litro": "L", "lt": "L", "dl": "dl", "dag": "dag", "hg": "hg", "kilo": "kg", "lbs": "lb",
    "box": "盒", "bottle": "瓶", "bag": "袋", "pack": "包", "can": "罐", "btl": "瓶",
}  # fmt: skip
_MASS: Final = "毫升|毫克|千克|公斤|市斤|厘升|盎司|liter|litre|litro|kilo|fl\\.?\\s?oz|lbs|dag|ml|kg|mg|cl|dl|hg|lb|lt|oz|㎏|斤|两|升|克|磅|l|g"
_LENGTH: Final = "厘米|mm|cm|米|寸|m"
_COUNTS: Final = (
    "小包|小袋|连包|人份|盒|瓶|袋|包|桶|罐|听|支|条|个|只|件|箱|提|份|块|片|把|颗|根|双|套|台|板|卷|筒|杯|碗|串|枚|张|本|对|打|"
    "排|卡|扎|束|棵|头|组|副|粒|抽|节|层|尾|匹|坛|壶|管|篮|筐|盘|朵|株|入|丸|贴|pcs|pc|"
    + "|".join(
        re.escape(word)
        for word in sorted(every_word("each"), key=len, reverse=True)
        if word.isalpha() and word.isascii() | (not word[0].isascii())
    )
)
_LETTER: Final = r"[^\W\d_\u3040-\u9fff]"
SALE_UNIT: Final = rf"(?:{_MASS}|{_COUNTS}|{_LENGTH}|each|ea|box|bottle|bag|pack|can|btl)"
"""A regular expression for one unit of sale, without a number; for text in lower case or with IGNORECASE."""

_NUMBER: Final = r"\d+(?:\.\d+)?"
_END: Final = rf"(?!{_LETTER})"
_TIMES: Final = r"\s*[*×x]\s*"
_COUNTED: Final = rf"{_NUMBER}\s*(?:{_COUNTS}){_END}"
_MEASURED: Final = rf"{_NUMBER}\s*(?:{_MASS}|{_LENGTH}){_END}"
_PER: Final = rf"(?:\s*/\s*(?:{_COUNTS}){_END})?"
_SPEC: Final = re.compile(
    rf"(?:{_NUMBER}{_TIMES})?{_MEASURED}(?:{_TIMES}\d+\s*(?:(?:{_COUNTS}|{_LENGTH}){_END})?)*{_PER}(?:\s*\+\s*{_MEASURED})?"
    rf"|{_COUNTED}(?:{_TIMES}\d+\s*(?:(?:{_COUNTS}){_END})?)*{_PER}",
    re.IGNORECASE,
)
_MEASURE: Final = re.compile(rf"(?:{_NUMBER}\s*)?(?:{_MASS}|{_LENGTH})", re.IGNORECASE)
_UNIT_VALUE: Final = re.compile(
    rf"(?:元|¥|rmb|cny)?\s*(?:/|每|per\s+)?\s*(?P<amount>{_NUMBER})?\s*(?P<unit>{SALE_UNIT})\s*(?:装)?", re.IGNORECASE
)
_SIZE: Final = re.compile(
    rf"(?:(?P<before>\d+){_TIMES})?(?P<amount>{_NUMBER})\s*(?P<measure>{_MASS}|{_LENGTH}|{_COUNTS}){_END}(?:{_TIMES}(?P<after>\d+))?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Spec:
    """A size: `count` pieces of `amount` `measure` each; `text` is the tidied print; [start, end) in the input."""

    text: str
    amount: Decimal
    measure: str
    count: int
    start: int
    end: int


def half_width(text: str) -> str:
    """Convert full-width letters, digits and signs to half width; the length never changes, so spans stay valid."""
    return text.translate(_NARROW)


def simplified(text: str) -> str:
    """As `half_width`, and convert the traditional characters of tag labels to simplified ones; spans stay valid."""
    return half_width(text).translate(_SIMPLE)


def is_measure(unit: str | None) -> bool:
    """Whether a unit of sale is a weight, a volume or a length, not a piece or a pack."""
    return unit is not None and _MEASURE.fullmatch(unit.strip()) is not None


def normal_unit(text: str) -> str | None:
    """The unit of sale in a text, alone or as `元/…`: `公斤` → `kg`, `/500克` → `500g`, `1斤` → `斤`; else None."""
    found = _UNIT_VALUE.fullmatch(half_width(text).strip(" ()[]:.,-"))
    if found is None:
        return None
    unit = found["unit"].lower()
    amount = (found["amount"] or "").strip()
    return ("" if amount in ("", "1") else amount) + _UNIT_NAMES.get(unit, unit)


def printed_unit(text: str) -> str | None:
    """The unit of sale as printed, without 元, slash and spaces: `元/公斤` → `公斤`, `/５００克` → `500克`; else None."""
    found = _UNIT_VALUE.fullmatch(half_width(text).strip(" ()[]:.,-"))
    if found is None:
        return None
    unit, amount = found["unit"], (found["amount"] or "").strip()
    usual = _UNIT_NAMES.get(unit.lower(), unit)
    return ("" if amount in ("", "1") else amount) + (usual if usual.isascii() and unit.isascii() else unit)


def find_specs(text: str) -> list[Spec]:
    """Every size in a text, in order: `12×330ml`, `250g`, `130抽*3包`, `5kg/袋`, `6个`."""
    plain = mend_spec(text)
    return [
        Spec(tidy_spec(found[0]), *_size(found[0]), found.start(), found.end())
        for found in _SPEC.finditer(plain)
        if not _inside_word(plain, found.start())
    ]


def tidy_spec(text: str) -> str:
    """Tidy a printed size: no spaces, half width, units in their usual case: `500 ML X 12` → `500ml×12`."""
    plain = re.sub(r"\s+", "", mend_spec(text)).strip(":,;.-()[]")
    plain = re.sub(r"(?<=[\da-zA-Z\u4e00-\u9fff])[xX](?=\d)", "×", plain)
    return re.sub(r"(?<=\d)(ml|kg|mg|g|l)(?![a-z])", _usual_case, plain, flags=re.IGNORECASE)


def mend_spec(text: str) -> str:
    """Correct characters that OCR confuses beside a measure: `5OOml` → `500ml`, `500m1` → `500ml`."""
    plain = half_width(text)
    plain = re.sub(r"(?<=[\d\slgLG\u4e00-\u9fff])[xX](?=\s*\d)", "×", plain)
    plain = re.sub(r"(?<=\d)[Oo](?=[Oo\d.]*\s*(?:ml|kg|g|l|毫|克|千))", "0", plain, flags=re.IGNORECASE)
    plain = re.sub(r"(?<=\d)[Oo](?=\s*(?:ml|kg|g|l)(?![a-z]))", "0", plain, flags=re.IGNORECASE)
    plain = re.sub(r"(?<=[\da-zA-Z克升抽])[°≠](?=\d+(?:\D|$))", "*", plain)
    return re.sub(r"(?<=\d)(m)[1I|](?![\da-z])", r"\1l", plain, flags=re.IGNORECASE)


def _size(text: str) -> tuple[Decimal, str, int]:
    found = _SIZE.search(text)
    if found is None:  # cannot happen: _SPEC is narrower than _SIZE
        return Decimal(0), "", 1
    measure = found["measure"].lower()
    count = int(found["before"] or 1) * int(found["after"] or 1)
    return Decimal(found["amount"]), _UNIT_NAMES.get(measure, measure), count


def _inside_word(text: str, start: int) -> bool:
    before = text[start - 1 : start]
    return before.isascii() and (before.isalnum() or before == ".")


def _usual_case(found: re.Match[str]) -> str:
    return _UNIT_NAMES[found[1].lower()]
