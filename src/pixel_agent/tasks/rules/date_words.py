"""The words around dates on labels (what a date is, month names) and the numbers on labels that are no dates."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal, TypeAlias

DateKind: TypeAlias = Literal[
    "production", "packed", "received", "opened", "expiry", "best_before", "use_by", "sell_by", "lot"
]
"""What a keyword beside a date says that the date is."""

# CJK words; spaces between the signs are tolerated. Longer words stand before their own beginnings.
_CJK_WORDS: dict[DateKind, str] = {
    "best_before": (
        "在?此日期前?食?飲?饮?用?最佳|此日期前最佳|最佳食用日?期?至?|最佳饮用期?至?|最佳赏味期?限?至?"
        "|最佳賞味期?限?至?|赏味期限|賞味期限|賞味期間|最佳品尝期?至?|最佳使用期?限?至?|최상품질유지기한"
        "|품질유지기한|상미기한"
    ),
    "use_by": (
        "消費期限|消费期限|使用期限|限期使用日期|限用日期|限用日|請?请?在?于?此日期前[食饮飲使]用|废弃时间"
        "|废弃日期|报废时间|报废日期|丢弃时间|소비기한|소비|사용기한"
    ),
    "sell_by": "销售截止日?期?|最迟销售日?期?|下架日期|下架时间|販売期限|撤架日期",
    "lot": "生产批号|生产批次|產品批號|产品批号|批号|批號|批次号?|製造番号|ロット番?号?|제조번호|로트",
    "expiry": (
        "保质期限?截?止?日?期?[至到]|保質期[至到]|保鲜期[至到]|保存期[至到]|有效期限?[至到]|有效日期?期?至?"
        "|有効期限|有效期限|有效期|失效日期|失效期|到期日?期?|过期日期|截止日期?|保存期限|保质期限?|保質期限?"
        "|质保期至?|保鲜期|保存期|期限|유통기한|유통|유효기간|까지"
    ),
    "packed": "包装日期|包裝日期|包装时间|分装日期|分裝日期|打包日期|装箱日期|包装日|加工包装日期|포장일자?",
    "received": "进货日期|收货日期|入库日期|到货日期|验收日期|入荷日|입고일",
    "opened": "开封日期|开启日期|启用日期|开封时间|解冻日期|解冻时间|開封日",
    "production": (
        "生产日期/?时?间?|生產日期|生产时间|生产日|生产年月日?|制造日期|製造日期|製造年月日|製造日"
        "|制造年月日?|制作日期|制作时间|製作日期|出厂日期|加工日期|加工时间|灌装日期|罐装日期|烘焙日期"
        "|烘培日期|屠宰日期|采摘日期|采收日期|捕捞日期|产蛋日期|生产期|制造日|产期|喷码日期|生产|生產|製造"
        "|制造|제조일자?|제조년월일|제조|생산일자?|생산"
    ),
}

# Latin words, upper case, accents removed; a space may be missing.
_LATIN_WORDS: dict[DateKind, str] = {
    "best_before": (
        "BEST BEFORE ?/ ?MEILLEUR AVANT|BEST (?:IF )?(?:USED |CONSUMED |ENJOYED )?(?:BEFORE"
        r"|BY)(?: END)?(?: OF)?|BEST BEF\.?|B\.? ?B\.? ?[EFD]?\.?(?: ?/ ?MA)?|BBD|MEILLEUR AVANT|BEST END|A CONSO\.? DE PREF\.? AVANT(?: FIN| LE)*|MHD"
        "|MINDESTENS HALTBAR BIS(?: ENDE)?|HALTBAR BIS|A CONSOMMER DE PREFERENCE AVANT(?: FIN| LE)*|DDM|DLUO"
        "|CONSUMIR PREFERENTEMENTE ANTES DEL?(?: FIN DE)?|CONSUMIR DE PREFERENCIA ANTES DE"
        r"|CONS\. ?PREF\. ?ANTES DEL?|DA CONSUMARSI PREFERIBILMENTE ENTRO(?: IL| FINE)*|TMC"
        "|TENMINSTE HOUDBAAR TOT|THT|NAJLEPIEJ SPOZYC PRZED|BAST FORE"
    ),
    "use_by": (
        "USE (?:BY|BEFORE)|USED BY|CONSUME (?:BY|BEFORE)|EAT BY|DISCARD(?: BY| AFTER)?|DLC"
        r"|A CONSOMMER (?:JUSQU'?AU|AVANT LE)|U\.?B\.?D?|ZU VERBRAUCHEN BIS|FECHA DE CADUCIDAD|CADUCIDAD|CAD"
        "|DA CONSUMAR(?:E|SI) ENTRO(?: IL)?|CONSUMIR ANTES DEL?|SCAD(?:ENZA)?|TE GEBRUIKEN TOT|TGT"
    ),
    "sell_by": "SELL BY|DISPLAY UNTIL|PULL(?: DATE| BY)|SALE BY",
    "lot": "LOT ?(?:NO|NUMBER|NR|CODE)?|BATCH ?(?:NO|NUMBER|CODE)?|BN|B/N|LOTE|CHARGE|LOTTO|L/?N",
    "expiry": (
        r"EXPIRATION(?: DATE)?|EXPIRY(?: DATE)?|EXPIR(?:ES|ED|E)?(?: ON)?|EXP\.? ?(?:DATE|DT|D)?|EX\.? ?DATE"
        "|EXD|VALID (?:UNTIL|TILL|THRU|TO)|GOOD (?:UNTIL|THRU)|USE UNTIL|VERFALLSDATUM|VERWENDBAR BIS"
        r"|VERW\.? ?BIS|VENC(?:IMIENTO|E)?|VTO|VALIDADE|VAL|ED|SHELF LIFE|HSD|ГОДЕН ДО|УПОТРЕБИТЬ ДО"
    ),
    "packed": (
        "PACK(?:ED|ING|AGED|AGING)?(?: ON| DATE)?|PKD(?: DATE| ON)?|PKG(?: DATE)?|VERPACKT AM|ENVASADO|FROZEN ON"
    ),
    "received": "RECEIVED(?: ON| DATE)?|RECD",
    "opened": "OPENED(?: ON| DATE)?|THAWED(?: ON)?",
    "production": (
        r"MANUFACTUR(?:ED|ING|E)(?: ON| DATE)?|DATE OF (?:MANUFACTURE|PRODUCTION)|MANF?\.?|MFG\.? ?(?:DATE|DT"
        r"|D)?|MFD\.?|MFT|MF|MADE ON|M/D|PRODUCTION(?: DATE)?|PRODUCED(?: ON)?|PROD\.? ?(?:DATE|D)?"
        r"|PRO\.? ?DATE|PRO|PRD\.?|P\.?D\.?|PDN|DOM|PREP(?:ARED)?(?: ON| DATE)?|BAKED ON|ROASTED ON"
        r"|HERGESTELLT AM|FAB(?:RICADO|RIQUE)?(?: LE| EL)?|ELAB(?:ORACION|ORADO)?|PRODOTTO IL|F\.? ?ELAB|NSX|ДАТА ИЗГОТОВЛЕНИЯ|ИЗГОТОВЛЕНО?"
    ),
}

_MONTH_NAMES = (
    "JANUARY JANUAR JANUARI JANVIER JANV JAN ENERO ENE GENNAIO GEN JANEIRO",
    "FEBRUARY FEBRUAR FEBRUARI FEBRERO FEBBRAIO FEVRIER FEVR FEVEREIRO FEB FEV",
    "MARCH MARZ MARZO MARS MARCO MAART MAR MRZ MRT",
    "APRIL APRILE AVRIL ABRIL APR AVR ABR",
    "MAYO MAGGIO MAIO MAY MAI MAG MEI",
    "JUNE JUNI JUIN JUNIO JUNHO GIUGNO JUN GIU",
    "JULY JULI JUILLET JUIL JULIO JULHO LUGLIO JUL LUG",
    "AUGUST AUGUSTUS AGOSTO AOUT AUG AGO AOU",
    "SEPTEMBER SEPTEMBRE SEPTIEMBRE SETTEMBRE SETEMBRO SEPT SEP SET",
    "OCTOBER OKTOBER OCTOBRE OCTUBRE OTTOBRE OUTUBRO OCT OKT OTT OUT",
    "NOVEMBER NOVEMBRE NOVIEMBRE NOVEMBRO NOV",
    "DECEMBER DEZEMBER DECEMBRE DICIEMBRE DICEMBRE DEZEMBRO DEC DEZ DIC",
)
MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, 1) for name in names.split()}

_CONFUSED = {"O": "[O0]", "I": "[I1L]", "L": "[L1I]"}


def _tolerant(name: str) -> str:
    return "".join(_CONFUSED.get(letter, letter) for letter in name)


MONTH_NAME = "(?:" + "|".join(_tolerant(name) for name in sorted(MONTHS, key=len, reverse=True)) + ")"
_MONTH_EXACT = [(re.compile(_tolerant(name)), number) for name, number in MONTHS.items()]


def month_number(name: str) -> int:
    """The number of a month name that `MONTH_NAME` matched."""
    return next(number for pattern, number in _MONTH_EXACT if pattern.fullmatch(name))


def _spaced(words: str) -> str:
    def sign(match: re.Match[str]) -> str:
        first = match.start() == 0 or words[match.start() - 1] == "|"
        return match[1] + match[2] if first else rf"(?:\s*{match[1]}){match[2]}"

    return re.sub(r"(\[[^\]]*\]|[^\[\]|?])(\??)", sign, words)


def _keywords() -> re.Pattern[str]:
    parts = []
    for kind, words in _CJK_WORDS.items():
        latin = _LATIN_WORDS[kind].replace(" ?", r"\s?").replace(" ", r"\s*")
        # A single letter is a keyword only right before a number or a colon.
        letter = {"expiry": "E", "production": "[PM]", "lot": "L"}.get(kind)
        single = (
            rf"|(?<![A-Z0-9./]){letter}(?=\s?[:.]?\s?\d{{6}}|\s?:\s?\d|\s\d{{1,2}}[./]\d{{1,2}}[./]\d)"
            if letter
            else ""
        )
        parts.append(
            rf"(?P<{kind}>{_spaced(words)}|(?<![A-Z])(?:{latin})(?=[^A-Z]|$|DATE|{MONTH_NAME}[\s.\-/,]*\d){single})"
        )
    return re.compile("|".join(parts))


KEYWORDS = _keywords()
"""Matches one keyword in normalised text; `lastgroup` is its `DateKind`."""

NOT_DATES = re.compile(
    r"(?:\b|(?<=\W))(?:(?:GB|QB|SB|NY|LS|SN|YC|YY|WS|HJ|JB|DB[S\d]*|JIS|ISO|EN|SC|CNS)\s*(?:/\s*[A-Z]+)?|[QT]\s*/\s*[0-9A-Z]*)\s*\d[\d.]*"
    r"\s*[A-Z]?\s*[-]\s*\d{4}(?!\d)"  # standards: GB 7718-2011, Q/XX 0001S-2024
    r"|SC\s?[\dOIL]{10,14}|(?:准\s*字|健\s*[字注]|备\s*案?|许\s*可\s*证?|[字证]\s*第|注\s*册\s*证|编\s*[号码]|编\s*號|信\s*用\s*代\s*码|货\s*号|款\s*号|条\s*形?\s*码|条\s*码)"
    r"\s*(?:[编号码]\s*)*[:.]?\s*[A-Z]*\s*[(\[]?[\dA-Z][\d\-A-Z ]*\d"
    r"|第\s*\d[\d\-]*\s*号"
    r"|(?<![\d])(?:\+?\s?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)"
    r"|(?<![\d.])\(?0\d{2,3}\)?[-\s]*\d{3,4}[-\s]?\d{4}(?!\d)|(?<!\d)[48]00[- ]?\d{3,4}[- ]?\d{3,4}(?!\d)"
    r"|(?:电\s*话|热\s*线|手\s*机|传\s*真|服\s*务\s*号|QQ|微\s*信|TEL|FAX|PHONE|MOBILE|PLU|SKU|EAN|UPC|GTIN|BARCODE)"
    r"\s*(?:NO)?[:.]?\s*\+?[\d(][\d\-() ]*"
    r"|[¥$€£]\s*\d[\d.,]*|(?<![\d.])\d[\d,]*(?:\.\d+)?\s*[元円圆]"
    r"|(?<!\d)\d\s\d{6}\s\d{6}(?!\d)|(?<!\d)\d{4}\s\d{4}\s\d{4,5}(?!\d)"
)
"""Numbers that are something else: standards, licences, telephones, prices, article numbers."""

_DASHES = str.maketrans({"–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-", "﹣": "-", "·": ".", "•": ".", "・": "."})
_POINTS = str.maketrans({"。": ".", "、": "/", "\\": "/", "٫": ".", "’": "'", "‘": "'", "￥": "¥"})


def normalise(text: str) -> tuple[str, list[int]]:
    """Full width to half width, upper case, accents and dash variants away.

    The second value gives, for each sign of the first, its place in `text`, and one more for the end.
    """
    signs: list[str] = []
    places: list[int] = []
    for place, sign in enumerate(text):
        plain = unicodedata.normalize("NFKC", sign).upper()
        if ord(sign) < 0x250:
            plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
        plain = plain.translate(_DASHES).translate(_POINTS)
        signs.extend(plain)
        places.extend([place] * len(plain))
    return "".join(signs), [*places, len(text)]
