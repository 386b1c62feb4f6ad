"""The tasks: each is data (names, prompt, schema, budget) and one pure function that finishes the reading."""

from pixel_agent.tasks.catalogue import BUILT_IN, DEFAULT_TASK, Catalogue

__all__ = ["BUILT_IN", "DEFAULT_TASK", "Catalogue"]
