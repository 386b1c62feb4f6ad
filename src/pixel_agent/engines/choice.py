"""Chooses the engine at start: the configured one, or the best one for this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pixel_agent.core.errors import ConfigurationError
from pixel_agent.core.settings import Settings
from pixel_agent.engines.base import Engine


def engine_factories(settings: Settings) -> Sequence[Callable[[], Engine]]:
    """Return one factory per replica. Remote servers get one slot for each request that can be in flight.

    Raises ConfigurationError if a setting of the chosen engine is wrong.
    """
    if settings.engine in ("openai", "vllm") or (settings.engine == "auto" and settings.openai.urls):
        if settings.openai.timeout_s >= settings.pool.hang_timeout_s:
            raise ConfigurationError(
                "openai.timeout_s must be below pool.hang_timeout_s.", "Else slow answers pass for hung engines."
            )
        if settings.engine == "vllm":
            from pixel_agent.engines.openai.vllm import vllm_engines

            return vllm_engines(settings.vllm, settings.openai)
        from pixel_agent.engines.openai.engine import openai_engines
        from pixel_agent.engines.openai.health import parse_urls

        return openai_engines(settings.openai, parse_urls(settings.openai.urls))
    return [engine_factory(settings)] * settings.pool.replicas


def engine_factory(settings: Settings) -> Callable[[], Engine]:
    """Return a factory of engines that are not started yet. `auto` chooses `transformers` if there is a GPU and its
    packages are installed, else `embedded`, which runs on every machine.

    An engine is imported only when chosen, so that its heavy libraries do not slow down the others.
    """
    if settings.engine == "simulated":
        from pixel_agent.engines.simulated import simulated_factory

        return simulated_factory(settings.simulated)
    if settings.engine in ("auto", "transformers"):
        from pixel_agent.engines.qwen.engine import has_cuda, transformers_factory

        if settings.engine == "transformers" or has_cuda():
            return transformers_factory(settings.transformers)
    from pixel_agent.engines.ocr.engine import EmbeddedEngine

    return lambda: EmbeddedEngine(settings.embedded, currency=settings.shop.currency)
