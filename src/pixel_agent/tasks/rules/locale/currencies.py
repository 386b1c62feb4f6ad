"""Currencies: their signs, codes, words and decimals (ISO 4217). A new currency is a new line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Currency:
    """`signs` and `words` are its own; what several share (`$`, `kr`, `¥`) stands in `SHARED`.

    `decimals`: how many a price has at most. `minor`: signs and words of its hundredth part.
    """

    code: str
    signs: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    decimals: int = 2
    minor: tuple[str, ...] = ()


CURRENCIES: Final = (
    Currency("EUR", ("€",), ("euros", "euro", "eur"), 2, ("cent", "cents", "ct", "céntimos", "centimes")),
    Currency("USD", ("us$", "us $", "u$s", "usd$", "$us"), ("us dollars", "us dollar")),
    Currency("GBP", ("£", "￡", "₤"), ("pounds", "pound", "quid"), 2, ("pence", "penny", "p")),
    Currency("JPY", ("円", "圓"), ("yen",), 0),
    Currency("CNY", ("cn¥", "人民币", "块钱", "元", "块", "圆"), ("rmb", "yuan", "renminbi"), 2),
    Currency("HKD", ("hk$", "hk $", "港币", "港元", "港幣"), ()),
    Currency("TWD", ("nt$", "nt $", "新台幣", "新台币", "台幣"), ("ntd",), 2),
    Currency("MOP", ("mop$",), ()),
    Currency("KRW", ("₩", "￦", "원"), ("won",), 0),
    Currency("INR", ("₹", "रु"), ("inr",), 2, ("paise",)),
    Currency("RUB", ("₽",), ("рублей", "рубля", "рубль", "руб", "rub"), 2, ("копеек", "коп")),
    Currency("UAH", ("₴",), ("грн", "гривень", "hrn"), 2),
    Currency("KZT", ("₸",), ("тенге", "тг")),
    Currency("TRY", ("₺",), ("tl", "lira"), 2, ("kuruş", "krş")),
    Currency("VND", ("₫", "vnđ"), ("đồng", "dong", "đ"), 0),
    Currency("THB", ("฿", "บาท"), ("baht",), 2, ("satang",)),
    Currency("PHP", ("₱", "php"), ("piso",)),
    Currency("NGN", ("₦",), ("naira",)),
    Currency("GHS", ("₵", "gh₵"), ("cedi", "cedis")),
    Currency("ILS", ("₪",), ("nis", "שח")),
    Currency("CRC", ("₡",), ("colones",)),
    Currency("PYG", ("₲",), ("guaraníes",), 0),
    Currency("GEL", ("₾",), ("lari",)),
    Currency("AMD", ("֏",), ("dram",)),
    Currency("AZN", ("₼",), ("manat",)),
    Currency("BDT", ("৳",), ("taka", "tk")),
    Currency("LAK", ("₭",), ("kip",), 0),
    Currency("MNT", ("₮",), ("tögrög",)),
    Currency("KHR", ("៛",), ("riel",)),
    Currency("PLN", (), ("złotych", "złote", "zł", "zl", "zt"), 2, ("gr", "groszy")),
    Currency("CZK", (), ("kč", "kc", "korun"), 2, ("haléř",)),
    Currency("HUF", (), ("forint", "ft"), 0),
    Currency("RON", (), ("lei", "leu"), 2, ("bani",)),
    Currency("MDL", (), ()),
    Currency("BGN", (), ("лева", "лв", "lv"), 2, ("ст", "стотинки")),
    Currency("RSD", (), ("динара", "дин", "rsd", "din"), 2),
    Currency("BAM", (), ("km",)),
    Currency("ALL", (), ("lekë",)),
    Currency("MKD", (), ("ден", "denari")),
    Currency("HRK", (), ("kuna", "kn")),
    Currency("CHF", (), ("franken", "fr", "sfr"), 2, ("rappen", "rp.")),
    Currency("SEK", (), ("svenska kronor",), 2, ("öre",)),
    Currency("NOK", (), ("norske kroner",), 2, ("øre",)),
    Currency("DKK", (), ("danske kroner",), 2, ("øre",)),
    Currency("ISK", (), ("íslenskar krónur",), 0),
    Currency("MYR", (), ("rm", "ringgit"), 2, ("sen",)),
    Currency("IDR", (), ("rp", "rupiah"), 0),
    Currency("SGD", ("s$", "sg$"), ()),
    Currency("AUD", ("a$", "au$", "aud$", "aus$"), ()),
    Currency("CAD", ("c$", "ca$", "cad$", "cdn$"), ()),
    Currency("NZD", ("nz$", "nzd$"), ()),
    Currency("BRL", ("r$",), ("reais", "real"), 2, ("centavos",)),
    Currency("MXN", ("mx$", "mex$", "mxn$"), ("pesos mexicanos",)),
    Currency("ARS", ("ar$", "ars$"), ()),
    Currency("CLP", ("clp$", "cl$"), (), 0),
    Currency("COP", ("cop$", "col$"), (), 2),
    Currency("UYU", ("$u", "uyu$"), ()),
    Currency("PEN", ("s/.",), ("soles",)),
    Currency("BOB", (), ("bs.",)),
    Currency("JMD", ("j$",), ()),
    Currency("DOP", ("rd$",), ()),
    Currency("TTD", ("tt$",), ()),
    Currency("BBD", ("bds$",), ()),
    Currency("ZAR", (), ("rand",)),
    Currency("KES", (), ("ksh", "kshs")),
    Currency("UGX", (), ("ush",), 0),
    Currency("TZS", (), ("tsh",), 0),
    Currency("ETB", (), ("birr",)),
    Currency("AED", ("د.إ",), ("dhs", "dirhams", "dh", "dhs.")),
    Currency("SAR", ("﷼", "ر.س"), ("riyal",)),
    Currency("QAR", (), ("qr",)),
    Currency("KWD", (), ("kd",), 3),
    Currency("BHD", (), ("bd",), 3),
    Currency("OMR", (), (), 3),
    Currency("JOD", (), ("jd",), 3),
    Currency("EGP", ("e£",), ("l.e.", "le")),
    Currency("TND", (), (), 3),
    Currency("MAD", (), ()),
    Currency("DZD", (), ()),
    Currency("LKR", (), ()),
    Currency("PKR", (), ()),
    Currency("NPR", (), ()),
    Currency("BYN", (), ("br",)),
    Currency("MMK", (), ("kyat", "ks")),
    Currency("XAF", (), ("fcfa", "f cfa"), 0),
)
"""Every currency with signs or words of its own; its ISO code always counts as a word."""

SHARED: Final[dict[str, tuple[str, ...]]] = {
    "¥": ("CNY", "JPY"),
    "￥": ("CNY", "JPY"),
    "$": ("USD", "CAD", "AUD", "MXN", "NZD", "SGD", "HKD", "TWD", "CLP", "COP", "ARS"),
    "＄": ("USD", "CAD", "AUD", "MXN", "NZD", "SGD", "HKD", "TWD", "CLP", "COP", "ARS"),
    "kr": ("NOK", "SEK", "DKK", "ISK"),
    "kr.": ("DKK", "NOK", "SEK", "ISK"),
    "kroner": ("NOK", "DKK"),
    "kronor": ("SEK",),
    "rs": ("INR", "PKR", "LKR", "NPR"),
    "rs.": ("INR", "PKR", "LKR", "NPR"),
    "¢": ("USD", "CAD", "EUR"),
    "￠": ("USD", "CAD", "EUR"),
    "k": ("USD",),
}
"""Signs that several currencies share: on their own they do not say which one it is."""

DECIMALS: Final = {one.code: one.decimals for one in CURRENCIES}
"""Decimals of a currency's prices; 2 for those that are not listed."""

_CODE: Final = re.compile(r"[A-Z]{3}")


def is_code(text: str) -> bool:
    """Whether a text has the form of an ISO 4217 code."""
    return _CODE.fullmatch(text) is not None
