"""The constraints file says what was tested, for every package that the project names, and nothing about one machine."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parents[2]
LINES = (PROJECT / "requirements" / "constraints.txt").read_text("utf-8").splitlines()
RELEASES = dict(line.split("==") for line in LINES if not line.startswith("#"))


def requirements() -> list[Requirement]:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    texts = [*project["dependencies"], *(text for extra in project["optional-dependencies"].values() for text in extra)]
    return [Requirement(text) for text in texts if not text.startswith("pixel-agent")]


@pytest.mark.parametrize("wanted", requirements(), ids=str)
def test_each_dependency_is_pinned_within_its_range(wanted: Requirement) -> None:
    assert wanted.specifier.contains(RELEASES[canonicalize_name(wanted.name)])


def test_each_line_is_a_name_and_a_release_that_any_machine_can_install() -> None:
    assert all(re.fullmatch(r"#.*|[a-z0-9.-]+==[0-9][0-9a-z.]*", line) for line in LINES)
    assert not any("://" in line for line in LINES)


def test_cuda_packages_of_another_build_of_torch_are_not_pinned() -> None:
    assert RELEASES["torch"] == "2.13.0"
    assert not [name for name in RELEASES if name.startswith("nvidia-") and name != "nvidia-ml-py"]
