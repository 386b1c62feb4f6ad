from __future__ import annotations

import json
from collections.abc import AsyncIterator

from hypothesis import given
from hypothesis import strategies as st

from pixel_agent.core.sse import EventReader, ServerEvent, read_events

STREAM = ": hello\nretry: 5\n\nid: 7\nevent: scan\ndata: {\ndata: }\n\n: still here\n\ndata:x\n\nevent: cut\ndata: off"


def test_a_stream_is_read_as_the_standard_says() -> None:
    assert EventReader().feed(STREAM.encode()) == [ServerEvent("scan", "{\n}", "7"), ServerEvent("message", "x", "7")]


def test_an_event_without_its_blank_line_is_dropped() -> None:
    reader = EventReader()
    assert reader.feed(b'event: done\ndata: {"scan') == []
    assert reader.feed(b'_id": 1}\n') == []


@given(
    st.lists(st.text(alphabet="ab可\u2028\u2029\x85\x0b ", max_size=5), max_size=5),
    st.integers(1, 9),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
async def test_events_are_the_same_however_the_bytes_arrive(texts: list[str], size: int, end: str) -> None:
    said = [json.dumps(text, ensure_ascii=False) for text in texts]
    content = "".join(f"data: {one}{end}: ping{end}{end}" for one in said).encode() + b": end\n"

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(content), size):
            yield content[start : start + size]

    assert [event.data async for event in read_events(chunks())] == said
