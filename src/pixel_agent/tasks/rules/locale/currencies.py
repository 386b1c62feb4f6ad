"""The table of currencies: signs, codes, words and decimals (ISO 4217). A new currency is a new line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency. `signs` and `words` are unique to it; those of several currencies (`$`, `kr`, `¥`) are in `SHARED`.

    `decimals`: maximum number of decimals of a price. `minor`: signs and words of its hundredth part.
    """

    code: str
    signs: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    decimals: int = 2
    minor: tuple[str, ...] = ()


CURRENCIES: Final = (
    Currency("EUR", ("€",), ("euros", "euro", "eur"), 2, ("cent", "cents", "ct", "céntimos", "centimes")),
    Currency("USD", ("us$", "us $", "u$s", "usd$", "$us"), ("us dollars", "us dollar")),
    Currency("GBP", ("£", "￡", "₤"), (), 2, ("pence", "penny", "p")),
    Currency("JPY", ("円", "圓"), ("yen",), 0),
    Currency("CNY", ("cn¥", "人民币", "块钱", "元", "块", "圆"), ("rmb", "yuan", "renminbi")),
    Currency("HKD", ("hk$", "hk $", "港币", "港元", "港幣"), ()),
    Currency("TWD", ("nt$", "nt $", "新台幣", "新台币", "台幣"), ("ntd",), 2),
    Currency("MOP", ("mop$",), ()),
    Currency("KRW", ("₩", "￦", "원"), ("won",), 0),
    Currency(
        "INR",
        (
            "₹",
            "रु",
            "ரூ",
        ),
        ("rupees",),
        2,
        ("paise",),
    ),
    Currency("RUB", ("₽",), ("рублей", "рубля", "рубль", "руб.", "руб", "р.", "р"), 2, ("копеек", "коп")),
    Currency("UAH", ("₴",), ("грн.", "грн", "гривень", "hrn"), 2),
    Currency("KZT", ("₸",), ("тенге", "тг")),
    Currency("TRY", ("₺",), ("tl", "lira"), 2, ("kuruş", "krş")),
    Currency("VND", ("₫", "vnđ"), ("đồng", "dong", "đ"), 0),
    Currency("THB", ("฿", "บาท"), ("baht",), 2, ("satang",)),
    Currency("PHP", ("₱",), ("piso",)),
    Currency("NGN", ("₦",), ("naira",)),
    Currency("GHS", ("₵", "gh₵"), ("cedi", "cedis")),
    Currency("ILS", ("₪", "ש״ח", "ש'ח", "ش.ج"), ("nis", "שח", 'ש"ח')),
    Currency("CRC", ("₡",), ("colones",)),
    Currency("PYG", ("₲",), ("guaraníes",), 0),
    Currency(
        "GEL",
        (
            "₾",
            "ლარი",
            "ლ",
        ),
        ("lari",),
    ),
    Currency("AMD", ("֏",), ("dram",)),
    Currency("AZN", ("₼",), ("manat",)),
    Currency("BDT", ("৳",), ("taka", "tk")),
    Currency("LAK", ("₭",), ("kip",), 0),
    Currency("MNT", ("₮",), ("tögrög",)),
    Currency("KHR", ("៛",), ("riel",)),
    Currency("PLN", (), ("złotych", "złote", "zł", "zl", "zt"), 2, ("groszy",)),
    Currency("CZK", (), ("kč", "kc", "korun"), 2, ("haléř",)),
    Currency("HUF", (), ("forint", "ft"), 0),
    Currency("RON", (), ("lei", "leu"), 2, ("bani",)),
    Currency("MDL", (), ()),
    Currency("BGN", (), ("лева", "лв.", "лв", "lv"), 2, ("ст", "стотинки")),
    Currency("RSD", (), ("динара", "дин", "dinara", "din.", "din"), 2),
    Currency("BAM", (), ()),
    Currency(
        "ALL",
        (),
        (
            "lekë",
            "lek",
        ),
    ),
    Currency("MKD", (), ("ден", "denari")),
    Currency("HRK", (), ("kuna", "kn")),
    Currency("CHF", (), ("franken", "fr.", "sfr", "sfr."), 2, ("rappen",)),
    Currency("SEK", (), ("svenska kronor",), 2, ("öre",)),
    Currency("NOK", (), ("norske kroner",), 2, ("øre",)),
    Currency("DKK", (), ("danske kroner",), 2, ("øre",)),
    Currency("ISK", (), ("íslenskar krónur",), 0),
    Currency("MYR", (), ("rm", "ringgit"), 2, ("sen",)),
    Currency("IDR", (), ("rp", "rupiah"), 0),
    Currency("SGD", ("s$", "sg$"), ()),
    Currency("AUD", ("a$", "au$", "aud$", "aus$", "au $"), ()),
    Currency("CAD", ("c$", "ca$", "cad$", "cdn$", "can$", "c $"), ()),
    Currency("NZD", ("nz$", "nzd$"), ()),
    Currency("BRL", ("r$", "r $"), ("reais",), 2, ("centavos",)),
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
    Currency("ETB", ("ብር",), ("birr",)),
    Currency("AED", ("د.إ",), ("dhs", "dirhams", "dhs.", "درهم")),
    Currency("SAR", ("ر.س", "ريال"), ("riyal",)),
    Currency("QAR", ()),
    Currency(
        "KWD",
        (
            "د.ك",
            "دينار كويتي",
        ),
        ("kd",),
        3,
    ),
    Currency(
        "BHD",
        (
            ".د.ب",
            "د.ب",
        ),
        (),
        3,
    ),
    Currency("OMR", ("ر.ع",), (), 3),
    Currency(
        "JOD",
        (
            "د.أ",
            "د.ا",
            "دينار أردني",
        ),
        (),
        3,
    ),
    Currency("EGP", ("e£",), ("l.e.", "جنيه", "ج.م")),
    Currency("TND", ("د.ت",), (), 3),
    Currency("MAD", ("د.م",), ()),
    Currency(
        "DZD",
        (
            "دج",
            "د.ج",
        ),
        (),
    ),
    Currency("LKR", ("රු",), ()),
    Currency("PKR", (), ()),
    Currency("NPR", (), ()),
    Currency("BYN", (), ("бел. руб",)),
    Currency("MMK", (), ("kyat",)),
    Currency("IRR", ("﷼",), ("تومان", "ریال")),
    Currency("AFN", ("؋",), ("afghani",)),
    Currency("UZS", (), ("so'm", "soʻm")),
    Currency("BZD", ("bz$",), ()),
    Currency("BTN", (), ("nu.",)),
    Currency("BIF", (), ("fbu",), 0),
    Currency("RWF", ("r₣",), ("frw",), 0),
    Currency("ZMW", (), ("zk",)),
    Currency("PAB", ("b/.",), ()),
    Currency("GYD", ("g$", "gy$"), ()),
    Currency("LBP", (), ("ل.ل",), 0),
    Currency("IQD", (), ("د.ع", "ع.د"), 0),
    Currency("GTQ", (), ("quetzales",)),
    Currency("XOF", (), ("cfa",), 0),
    Currency(
        "LYD",
        (
            "ل.د",
            "د.ل",
        ),
        (),
    ),
    Currency(
        "SDG",
        (
            "ج.س.",
            "ج.س",
        ),
        (),
    ),
    Currency("QAR", ("ر.ق",), ()),
    Currency("SYP", ("ل.س",), ()),
    Currency("YER", ("ر.ي",), ()),
    Currency(
        "ERN",
        (
            "ናቕፋ",
            "نافكا",
        ),
        ("nakfa",),
    ),
    Currency(
        "BTC",
        (
            "₿",
            "Ƀ",
        ),
        (),
    ),
    Currency("CVE", (), ("esc",)),
    Currency("CUC", ("cuc$",), ()),
    Currency("TOP", ("t$",), ()),
    Currency("KMF", (), ()),
    Currency("AOA", (), ("kwz",)),
    Currency("GNF", (), ("gfr",)),
    Currency("KGS", (), ("som",)),
    Currency("MGA", (), ("ariary",)),
    Currency("XAF", (), ("fcfa", "f cfa"), 0),
)
"""Every currency with its own signs or words; its ISO code always counts as a word."""

SHARED: Final[dict[str, tuple[str, ...]]] = {
    "¥": ("CNY", "JPY"),
    "￥": ("CNY", "JPY"),
    "$": ("USD", "CAD", "AUD", "MXN", "NZD", "SGD", "HKD", "TWD", "CLP", "COP", "ARS"),
    "＄": ("USD", "CAD", "AUD", "MXN", "NZD", "SGD", "HKD", "TWD", "CLP", "COP", "ARS"),
    "kr": ("NOK", "SEK", "DKK", "ISK"),
    "kr.": ("DKK", "NOK", "SEK", "ISK"),
    "₣": ("CHF", "XAF", "XOF"),
    "franc": ("CHF", "XAF", "XOF"),
    "francs": ("CHF", "XAF", "XOF"),
    "ƒ": ("AWG", "ANG"),
    "₨": ("INR", "PKR", "LKR", "NPR", "MUR"),
    "دينار": ("IQD", "JOD", "KWD", "DZD", "TND", "LYD", "BHD"),
    "z$": ("ZWL", "USD"),
    "$b": ("BOB",),
    "kroner": ("NOK", "DKK"),
    "kronor": ("SEK",),
    "rs": ("INR", "PKR", "LKR", "NPR"),
    "rs.": ("INR", "PKR", "LKR", "NPR"),
}
"""Signs that several currencies share: alone they do not identify the currency."""

WORD_LIKE_CODES: Final = frozenset(
    {"all", "try", "mad", "pen", "cop", "mop", "rub", "gel", "bob", "ron", "lak", "sek", "din", "ft"}
)
"""Codes and words that also occur in product names: they count in capitals only."""

DECIMALS: Final = {one.code: one.decimals for one in CURRENCIES}
"""Decimals of a currency's prices; 2 for those that are not listed."""

_CODE: Final = re.compile(r"[A-Z]{3}")


def is_code(text: str) -> bool:
    """Whether a text has the format of an ISO 4217 code."""
    return _CODE.fullmatch(text) is not None
