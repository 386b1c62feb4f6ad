"""The catalogue of all tasks that a scan can request; looks a task up by id or by its Chinese or English name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path

from pixel_agent.core import Task
from pixel_agent.core.errors import ConfigurationError, UnknownTask
from pixel_agent.tasks.compare import COMPARE
from pixel_agent.tasks.custom import load_custom
from pixel_agent.tasks.labels import EXPIRY_CHECK, PRICE_TAG, PROMO_CHECK
from pixel_agent.tasks.names import MAX_NAME, key, names, shown
from pixel_agent.tasks.planogram import PLANOGRAM_CHECK
from pixel_agent.tasks.premises import (
    ENVIRONMENT_CHECK,
    KITCHEN_HYGIENE,
    SAFETY_CHECK,
    STOREFRONT_CHECK,
    WASTE_ESTIMATE,
)
from pixel_agent.tasks.products import NEATNESS_CHECK, OUT_OF_STOCK, PRODUCT_FULL_SCAN, SHELF_AUDIT
from pixel_agent.tasks.texts import ASK, CODE_READ, PHOTO_CHECK, TEXT_READ

DEFAULT_TASK = PRODUCT_FULL_SCAN
BUILT_IN: tuple[Task, ...] = (
    PRODUCT_FULL_SCAN,
    SHELF_AUDIT,
    OUT_OF_STOCK,
    PRICE_TAG,
    EXPIRY_CHECK,
    PLANOGRAM_CHECK,
    NEATNESS_CHECK,
    PROMO_CHECK,
    STOREFRONT_CHECK,
    ENVIRONMENT_CHECK,
    SAFETY_CHECK,
    KITCHEN_HYGIENE,
    WASTE_ESTIMATE,
    TEXT_READ,
    CODE_READ,
    COMPARE,
    PHOTO_CHECK,
    ASK,
)


class Catalogue:
    """All tasks of this installation, in display order. Immutable."""

    def __init__(self, tasks: Iterable[Task] = BUILT_IN) -> None:
        self._tasks = tuple(tasks)
        self._by_name: dict[str, Task] = {}
        for task in self._tasks:
            self._add(task)

    @classmethod
    def load(cls, path: Path | None = None) -> Catalogue:
        """Build the catalogue of the built-in tasks and those of a TOML file.

        Raises ConfigurationError that names the file and the line.
        """
        if path is None:
            return cls()
        return cls((*BUILT_IN, *load_custom(path, {key(name) for task in BUILT_IN for name in names(task)})))

    def find(self, name: str) -> Task:
        """Return the task with this id, Chinese or English name; case, character width and spaces are ignored.

        Raises UnknownTask with the closest names.
        """
        wanted = key(name) if len(name) <= MAX_NAME else ""
        found = self._by_name.get(wanted)
        if found is not None:
            return found
        raise UnknownTask(f'There is no task "{shown(name)}".', self._advice(wanted))

    def __iter__(self) -> Iterator[Task]:
        return iter(self._tasks)

    def __len__(self) -> int:
        return len(self._tasks)

    def _add(self, task: Task) -> None:
        for name in {key(name) for name in names(task)}:
            if name in self._by_name:
                raise ConfigurationError(f"Two tasks are called {name!r}.", "Give each task names of its own.")
            self._by_name[name] = task

    def _advice(self, wanted: str) -> str:
        near = get_close_matches(wanted, self._by_name, n=5, cutoff=0.5) if wanted else []
        tasks = list(dict.fromkeys(self._by_name[name].id for name in near))[:3]
        hint = f"Did you mean {' or '.join(tasks)}? " if tasks else ""
        return f"{hint}GET /v1/tasks lists every task."
