"""Progress events for streaming clients; no overhead without a subscriber."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from pydantic import JsonValue

from pixel_agent.core import OnEvent

LOOK_S = 0.25
"""Interval in seconds at which the queue is read while a subscriber waits in it."""

Places = Callable[[], Mapping[str, tuple[int, float]]]
"""For all waiting scans: scan id → number of scans ahead, and expected seconds until it starts."""


class Progress:
    """Publishes one scan's `stage` and `text` events (see `ScanRequest.on_event`).

    The texts joined are the model's answer. If a scan runs twice, published pieces are not published again; if the
    second answer differs, one event with `restart` true withdraws the text and starts it again.
    """

    def __init__(self, publish: OnEvent | None) -> None:
        self._publish = publish
        self._published = ""
        self._run = ""

    @property
    def on_text(self) -> Callable[[str], None] | None:
        """Callback for the engine's text; None without a subscriber."""
        return None if self._publish is None else self._add

    def stage(self, stage: str) -> None:
        """Publish that a stage begins."""
        if self._publish is not None:
            self._publish("stage", {"stage": stage})

    def begin(self) -> None:
        """Start the text of an answer; called each time an engine starts the scan."""
        self._run = ""
        self.stage("engine")

    def end(self, text: str) -> None:
        """Publish the rest of the engine's whole answer, as far as it is not published yet."""
        self._run = text
        self._catch_up()
        if self._published != text:
            self._say(text, restart=True)

    def _add(self, piece: str) -> None:
        self._run += piece
        self._catch_up()

    def _catch_up(self) -> None:
        if self._run == self._published or self._published.startswith(self._run):
            return
        if self._run.startswith(self._published):
            self._say(self._run[len(self._published) :])
        else:
            self._say(self._run, restart=True)

    def _say(self, text: str, *, restart: bool = False) -> None:
        self._published = text if restart else self._published + text
        if self._publish is not None:
            event: dict[str, JsonValue] = {"text": text}
            self._publish("text", {**event, "restart": True} if restart else event)


class QueueWatch:
    """Publishes the positions of waiting scans: at once, and when they change. Sleeps while no subscriber waits."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._listeners: dict[str, OnEvent] = {}
        self._published: dict[str, int] = {}
        self._timer: asyncio.TimerHandle | None = None

    def follow(self, scan_id: str, publish: OnEvent | None) -> None:
        """Start to publish; call it directly before the scan is queued, and `leave` once it has left the queue."""
        if publish is None:
            return
        self._listeners[scan_id] = publish
        asyncio.get_running_loop().call_soon(self._first_look, scan_id)

    def leave(self, scan_id: str) -> None:
        """Stop to publish for a scan; further calls do nothing."""
        self._listeners.pop(scan_id, None)
        self._published.pop(scan_id, None)
        if not self._listeners and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _first_look(self, scan_id: str) -> None:
        if scan_id in self._listeners:  # neither started nor left in the meantime
            self._show(self._places(), scan_id)
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._look)

    def _look(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._look)
        places = self._places()
        for scan_id in tuple(self._listeners):
            self._show(places, scan_id)

    def _show(self, places: Mapping[str, tuple[int, float]], scan_id: str) -> None:
        place = places.get(scan_id)
        if place is not None and self._published.get(scan_id) != place[0]:
            self._published[scan_id] = place[0]
            self._listeners[scan_id]("queued", {"position": place[0], "estimated_ms": round(place[1] * 1000)})
