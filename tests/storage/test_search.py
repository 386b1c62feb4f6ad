"""Search words of a text, on any database."""

from __future__ import annotations

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.storage.search import MAX_TOKENS, tokens, words_of

TEXTS = st.text(st.sampled_from("可口可乐农夫山泉 aBcＡＢ１2.0-_/é\u3000コーラ𠮷"), max_size=30)
QUICK = settings(deadline=None, max_examples=100)


def found(query: str, text: str) -> bool:
    """Whether a text has all words of a query."""
    return set(tokens(query, query=True)) <= set(tokens(text))


def test_words_are_folded_and_distinct() -> None:
    assert tokens("Coca-Cola ＣＯＣＡ 330ml") == ["coca", "cola", "330ml"]


def test_decimals_stay_whole() -> None:
    assert tokens("￥12.80/kg。") == ["12.80", "kg"]


def test_neighbouring_characters_are_words() -> None:
    assert tokens("农夫山泉") == ["农", "夫", "山", "泉", "农夫", "夫山", "山泉"]
    assert tokens("农夫山泉", query=True) == ["农夫", "夫山", "山泉"]


def test_a_single_character_is_found() -> None:
    assert found("醋", "镇江香醋500ml")
    assert not found("油", "镇江香醋500ml")


def test_a_query_without_words_has_no_tokens() -> None:
    assert tokens("?! …", query=True) == []


def test_no_more_is_kept_than_a_photo_can_say() -> None:
    assert len(words_of(str(number) for number in range(10 * MAX_TOKENS)).split()) == MAX_TOKENS


@QUICK
@given(TEXTS)
def test_a_text_is_found_by_itself(text: str) -> None:
    assert found(text, text)


@QUICK
@given(st.text(st.sampled_from("可口可乐农夫山泉"), min_size=1, max_size=20), st.data())
def test_a_run_of_characters_is_found_by_every_part_of_it(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    assert found(text[start:end], f"x {text} y")


@QUICK
@given(TEXTS)
def test_case_and_width_do_not_matter(text: str) -> None:
    assert tokens(unicodedata.normalize("NFKC", text).upper()) == tokens(text)


@QUICK
@given(st.lists(st.text(max_size=40), max_size=5))
def test_tokens_never_hold_what_separates_them(texts: list[str]) -> None:
    words = words_of(texts)
    assert set(words.split(" ")) - {""} == {token for text in texts for token in tokens(text)}
    assert all(char == "." or char.isalnum() or not char.isascii() for token in words.split() for char in token)
