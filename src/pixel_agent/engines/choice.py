"""Which engine answers: the one that is asked for, or the best one here."""

from __future__ import annotations

from collections.abc import Callable

from pixel_agent.config import Settings
from pixel_agent.engines.base import Engine


def engine_factory(settings: Settings) -> Callable[[], Engine]:
    """What makes a new engine, not started. `auto` is `embedded`, the engine that runs everywhere.

    Engines are imported only when chosen, so that a heavy library of one costs the others nothing.
    """
    if settings.engine == "simulated":
        from pixel_agent.engines.simulated import simulated_factory

        return simulated_factory(settings.simulated)
    from pixel_agent.engines.embedded import EmbeddedEngine

    return lambda: EmbeddedEngine(settings.embedded)
