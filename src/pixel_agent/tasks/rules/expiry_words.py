"""Other words on date labels: shelf life, lot numbers, and references to another place. Used by `expiry_facts.py`."""

from __future__ import annotations

import re
from typing import Final

from pixel_agent.tasks.rules.date_words import any_word, find_words, normalise
from pixel_agent.tasks.rules.locale.duration_words import words_of

LIFE: Final = re.compile(
    r"保\s*[质質]\s*期|质\s*保\s*期|保\s*[存鲜鮮]\s*期|有\s*效\s*期|[赏賞]\s*味\s*期|货\s*架\s*期|유통기한|"
    + any_word(word for word in words_of("life") if not find_words(normalise(word)[0]))
)
"""Words before a shelf life, in normalised text."""

AFTER_OPENING: Final = re.compile(
    r"(?<![未末])(?:开\s*[封启盖罐]|开\s*瓶|開\s*封|解\s*冻|拆\s*封|冲\s*[泡调])(?!\s*前)|"
    + any_word(word for word in words_of("opening") if word != "開封")
)
"""Words before a duration that counts from opening, not from production."""

OF_OPENING: Final = re.compile(r"[^,;.:|/([]{0,24}" + any_word(words_of("opening")))
"""Text after a duration that counts from opening (`5 days after opening`)."""

GOODS_NAME: Final = re.compile(
    r"[\s【\[(]*(?:(?:[产產]\s*品|商\s*品|食\s*品|药\s*品)?\s*(?:品\s*名|名\s*[称稱])|[产產商]\s*品\s*名"
    r"|PRODUCT\s*NAME|PRODUCT(?=\s*:)|ITEM(?=\s*:))"
    r"[\s】\])]*(?:/\s*(?:PRODUCT|NAME|PRODUCT\s*NAME)\s*)?(?P<colon>:?)\s*(?P<name>.*)"
)
"""Words before the name of the goods, at the start of a line in normalised text."""

NEXT_LABEL: Final = re.compile(
    r"\s*(?:净\s*含\s*量|规\s*格|产\s*地|配\s*料|品\s*牌|生\s*产\s*日\s*期|保\s*质\s*期|批\s*号|贮\s*存|储\s*存|执\s*行\s*标\s*准|货\s*号|条\s*码|等\s*级)\s*:"
)
"""Text that ends the name on a label and begins the next value."""

OFFER: Final = re.compile(
    r"活\s*动|促\s*销|优\s*惠|特\s*[价惠卖]|档\s*期|抢\s*购|秒\s*杀|兑\s*[换奖]|抽\s*奖|满\s*减|领\s*券|会\s*员\s*日|店\s*庆|开\s*业|大\s*促|折\s*扣|即\s*日\s*起"
    r"|(?<![A-Z])(?:SALE|PROMO(?:TION)?|OFFER|DISCOUNT|COUPON)(?![A-Z])"
)
"""Words of a promotion, whose dates are not those of the goods."""

OF_ANYTHING: Final = re.compile(
    r"有\s*[效効]\s*(?:日\s*)?期\s*限?\s*[至到]?|截\s*止\s*(?:日\s*期?)?|到\s*期\s*(?:日\s*期?)?|期\s*限|VALID\s*(?:UNTIL|TILL|THRU|TO)|GOOD\s*(?:UNTIL|THRU)|EXPIR.*"
)
"""Words for a last day that are printed both on offers and on goods."""

LOT: Final = re.compile(r"[A-Z0-9][A-Z0-9\-/]{1,19}")
"""Pattern of a lot number in normalised text."""

SEE_ELSEWHERE: Final = re.compile(
    r"[\s:.(]*(?:请?\s*[见見详]|标\s*[于示注]|印\s*[于在]|喷\s*[于在码]|SEE|PLEASE SEE|AS\s*PRINTED|PRINTED)"
)
"""Text after a word whose value is printed elsewhere."""

TAIL: Final = re.compile(
    r"[\s:.\-=()\[\]/|#*]*(?:DATE|NO\.?|号|年\s?/?\s?月\s?/?\s?日|日\s?/\s?月\s?/\s?年|[YMD]{1,4}(?:\s?[./\-]?\s?[YMD]{1,4}){1,2})?[\s:.\-=()\[\]/|#*]*"
)
"""Text that can come between a word and the end of its line when the value is missing."""
