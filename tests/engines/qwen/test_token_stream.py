from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.core import Sampling
from pixel_agent.engines.qwen.token_stream import TokenStream

END = 256


def decode(ids: Sequence[int]) -> str:
    return bytes(ids).decode("utf-8", "replace")


def written(data: bytes, *stops: str, most: int = 10_000) -> tuple[TokenStream, list[str]]:
    """An answer that gets one byte a token, then the end, and what was told meanwhile."""
    told: list[str] = []
    answer = TokenStream(most, frozenset({END}), Sampling(stop=stops), decode, told.append)
    for token in (*data, END):
        if answer.take(token):
            break
    return answer, told


@settings(deadline=None, max_examples=100)
@given(st.one_of(st.binary(max_size=60), st.text(max_size=30).map(lambda text: text.encode())))
def test_the_pieces_that_are_told_are_the_text(data: bytes) -> None:
    answer, told = written(data)
    assert "".join(told) == answer.text == decode(data)


@settings(deadline=None, max_examples=100)
@given(st.text("ab价", max_size=30), st.lists(st.text("ab价", min_size=1, max_size=4), max_size=3))
def test_nothing_from_a_stop_string_on_is_told(text: str, stops: list[str]) -> None:
    answer, told = written(text.encode(), *stops)
    ends = [at + len(stop) for stop in stops if (at := text.find(stop)) >= 0]
    first = [text.find(stop) for stop in stops if stop in text and text.find(stop) + len(stop) == min(ends)]
    assert "".join(told) == answer.text == (text[: min(first)] if first else text)
    assert answer.finish_reason == "stop"


def test_characters_of_several_tokens_are_told_whole() -> None:
    assert written("价签".encode())[1] == ["价", "签"]


def test_an_answer_ends_at_its_length() -> None:
    answer, told = written(b"abcdef", most=3)
    assert (answer.text, answer.finish_reason, answer.tokens, told) == ("abc", "length", 3, ["a", "b", "c"])


def test_half_a_character_at_the_end_is_told_as_such() -> None:
    answer, told = written("价".encode()[:2], most=2)
    assert "".join(told) == answer.text == "\N{REPLACEMENT CHARACTER}"


def test_a_cancelled_answer_tells_nothing_more() -> None:
    told: list[str] = []
    answer = TokenStream(9, frozenset({END}), Sampling(), decode, told.append)
    answer.take(ord("a"))
    answer.cancel()
    assert (answer.finish_reason, answer.text, told) == ("cancelled", "a", ["a"])
