"""One answer during generation: decodes its tokens, detects its end, and publishes its text in pieces."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pixel_agent.core import Sampling

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""Last character of a decoded text whose final character is still incomplete."""


class TokenStream:
    """Receives the tokens of one answer. `finish_reason` is empty until the end: `stop`, `length` or `cancelled`.

    `decode` turns ids into text; split between characters, two parts must decode to the same text as the whole.
    `on_text` (None: no listener) gets pieces that together are `text`; a stop string and the text after it are never
    published.
    """

    def __init__(
        self,
        max_tokens: int,
        end_tokens: frozenset[int],
        sampling: Sampling,
        decode: Callable[[Sequence[int]], str],
        on_text: Callable[[str], None] | None = None,
    ) -> None:
        self.finish_reason = ""
        self.tokens = 0
        self.max_tokens = max_tokens
        self._end_tokens = end_tokens
        self._stops = tuple(stop for stop in sampling.stop if stop)
        self._decode = decode
        self._on_text = on_text
        self._undecoded: list[int] = []
        self._text = ""
        self._told = 0

    @property
    def text(self) -> str:
        """The text so far, without the stop string."""
        self._read(complete=True)
        return self._text

    def take(self, token: int) -> bool:
        """Add one token; returns whether the answer has ended."""
        self.tokens += 1
        if token in self._end_tokens:
            self._end("stop")
            return True
        self._undecoded.append(token)
        if self._stops or self._on_text:
            self._read(complete=False)
            if self._cut():
                self._end("stop")
                return True
            self._tell(self._unsafe_tail())
        if self.tokens >= self.max_tokens:
            self._end("length")
        return bool(self.finish_reason)

    def cancel(self) -> None:
        """End without publishing more text; the caller has disconnected."""
        self._on_text = None
        self.finish_reason = "cancelled"

    def _end(self, reason: str) -> None:
        self.finish_reason = reason
        self._read(complete=True)
        self._cut()
        self._tell(0)

    def _read(self, *, complete: bool) -> None:
        """Decode new tokens; an incomplete last character waits for its other bytes, unless `complete`."""
        if not self._undecoded:
            return
        text = self._decode(self._undecoded)
        if complete or not text.endswith(REPLACEMENT):
            self._text += text
            self._undecoded = []

    def _cut(self) -> bool:
        """Cut the text before the first stop string; returns whether there was one."""
        # No stop string can begin in published text: a possible beginning is not published yet.
        places = [at for stop in self._stops if (at := self._text.find(stop, self._told)) >= 0]
        if not places:
            return False
        self._text = self._text[: min(places)]
        self._undecoded = []
        return True

    def _unsafe_tail(self) -> int:
        """How many of the last characters can be the beginning of a stop string."""
        longest = 0
        for stop in self._stops:
            for length in range(min(len(stop) - 1, len(self._text)), longest, -1):
                if stop.startswith(self._text[-length:]):
                    longest = length
                    break
        return longest

    def _tell(self, hold_back: int) -> None:
        end = len(self._text) - hold_back
        if end > self._told:
            piece, self._told = self._text[self._told : end], end
            if self._on_text:
                self._on_text(piece)
