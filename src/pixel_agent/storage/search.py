"""Full-text search: one tokenizer for both databases, and the condition that a scan has all words of a query.

A word is a run of letters and digits (decimals stay whole: `12.80`), folded so that width and case do not matter.
Chinese, Japanese and Korean have no spaces between words, so every two neighbouring characters are a token; single
characters are tokens too, for queries of one character. `scan_words.words` has each scan's tokens, separated by spaces.
PostgreSQL indexes them as an array (GIN), SQLite as a separate full-text table (FTS5, synchronized by triggers): see
`migrations`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from sqlalchemy import (
    ColumnElement,
    String,
    Text,
    and_,
    bindparam,
    cast,
    column,
    func,
    literal,
    literal_column,
    select,
    table,
    true,
    update,
)
from sqlalchemy import text as text_statement
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.selectable import Select

from pixel_agent.storage.tables import scan_words

MAX_TOKENS = 4000
"""Maximum stored tokens per scan: about the longest receipt or notice that fits on a photo."""
MAX_QUERY_TOKENS = 32
"""Maximum tokens of a query that are used."""
MAX_TOKEN_CHARACTERS = 40
_CJK = "\u2e80-\u2fff\u3005-\u3007\u3040-\u30ff\u3100-\u312f\u31a0-\u31bf\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_PIECES = re.compile(rf"(?P<cjk>[{_CJK}]+)|(?P<word>\d+(?:\.\d+)+|[^\W_{_CJK}]+)")

fts = table("scan_words_fts", column("rowid"), column("scan_words_fts"))
"""SQLite's full-text index. MATCH uses its hidden column, which has the name of the table."""


BY_INDEX = text_statement(
    "SELECT set_config('enable_seqscan', 'off', true), set_config('plan_cache_mode', 'force_custom_plan', true)"
)
"""Settings of a PostgreSQL transaction that searches. The planner rates splitting a text as cheap as reading a number,
so it would scan all rows instead of the index; and it must see the requested words to plan for them."""


def tokens(text: str, *, query: bool = False) -> list[str]:
    """The distinct tokens of a text, in order. For a query, a run of CJK characters gives only its pairs."""
    return list(dict.fromkeys(_tokens(text, query)))


def words_of(texts: Iterable[str]) -> str:
    """The stored tokens of all searched texts: ` token token `; empty if there are none."""
    found: dict[str, None] = {}
    for text in texts:
        for token in _tokens(text, query=False):
            found[token] = None
            if len(found) >= MAX_TOKENS:
                return f" {' '.join(found)} "
    return f" {' '.join(found)} " if found else ""


def task_word(task: str) -> str:
    """The token of a task, which no text can contain: with it, a search skips the scans of other tasks."""
    return f"§{task.replace('_', '§')}"


async def add_words(conn: AsyncConnection, seq: int, words: str) -> None:
    """Add words to the index of a scan, as `words_of` gives them."""
    if words:
        added = scan_words.c.words + words
        await conn.execute(update(scan_words).where(scan_words.c.seq == seq).values(words=added))


async def add_words_of(conn: AsyncConnection, words: Mapping[int, str]) -> None:
    """Add words to the index of many scans, by their `seq`."""
    rows = [{"this": seq, "more": more} for seq, more in words.items() if more]
    if rows:
        added = scan_words.c.words + bindparam("more", type_=Text)
        await conn.execute(update(scan_words).where(scan_words.c.seq == bindparam("this")).values(words=added), rows)


def matching(asked: list[str], *, sqlite: bool) -> Select[tuple[int]]:
    """The `seq` of all scans with all of these tokens, through the index, in no particular order."""
    if sqlite:
        match = " AND ".join(f'"{token}"' for token in asked)
        return select(fts.c.rowid).where(fts.c.scan_words_fts.op("MATCH")(bindparam("match", match, String)))
    held = func.string_to_array(scan_words.c.words, literal_column("' '"))
    wanted = cast(literal(asked, ARRAY(Text)), ARRAY(Text))
    return select(scan_words.c.seq).where(held.op("@>")(wanted))


def has_all(asked: list[str]) -> ColumnElement[bool]:
    """Condition on one row of `scan_words`: its words include all these tokens; without the index."""
    return and_(true(), *(scan_words.c.words.contains(f" {token} ", autoescape=True) for token in asked))


def _tokens(text: str, query: bool) -> Iterator[str]:
    folded = unicodedata.normalize("NFKC", text).casefold()
    folded = unicodedata.normalize("NFKC", folded)  # folding can decompose characters; this composes them again
    for piece in _PIECES.finditer(folded):
        run = piece["cjk"]
        if run is None:
            yield piece["word"][:MAX_TOKEN_CHARACTERS]
            continue
        if not query or len(run) == 1:
            yield from run
        for first, second in pairwise(run):
            yield first + second
