"""The words of date labels beside those of single dates: shelf life, lot numbers, and pointers elsewhere."""

from __future__ import annotations

import re
from typing import Final

LIFE: Final = re.compile(
    r"保\s*[质質]\s*期|质\s*保\s*期|保\s*[存鲜鮮]\s*期|有\s*效\s*期|[赏賞]\s*味\s*期|货\s*架\s*期|SHELF\s*LIFE|BEST\s*WITHIN|유통기한"
)
"""In normalised text: a shelf life may follow."""

AFTER_OPENING: Final = re.compile(r"开\s*[封启盖罐]|开\s*瓶|開封|解\s*冻|拆\s*封|冲\s*[泡调]|OPEN|THAW")
"""The duration that follows counts from opening, not from production."""

LOT: Final = re.compile(r"[A-Z0-9][A-Z0-9\-/]{1,19}")
"""A lot number in normalised text."""

SEE_ELSEWHERE: Final = re.compile(
    r"[\s:.(]*(?:请?\s*[见見详]|标\s*[于示注]|印\s*[于在]|喷\s*[于在码]|SEE|PLEASE SEE|AS\s*PRINTED|PRINTED)"
)
"""What follows a word whose value is printed elsewhere."""

TAIL: Final = re.compile(
    r"[\s:.\-=()\[\]/|#*]*(?:DATE|NO\.?|号|年\s?/?\s?月\s?/?\s?日|日\s?/\s?月\s?/\s?年|[YMD]{1,4}(?:\s?[./\-]?\s?[YMD]{1,4}){1,2})?[\s:.\-=()\[\]/|#*]*"
)
"""What may stand between a word and the end of its line while its value is still missing."""
