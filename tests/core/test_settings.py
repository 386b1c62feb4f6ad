"""Settings: where they come from, which source wins, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixel_agent.core.errors import ConfigurationError
from pixel_agent.core.settings import Settings, describe, load
from tests.paths import DOCS

OPERATIONS = DOCS / "operations.md"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "pixel-agent.toml"
    path.write_text('engine = "simulated"\n[server]\nport = 9000\nhost = "::1"\n')
    return path


def test_defaults_need_nothing() -> None:
    assert load(environment={}).server.host == "127.0.0.1"


def test_environment_wins_over_file_and_command_line_over_both(file: Path) -> None:
    environment = {"PIXEL_AGENT_CONFIG": str(file), "PIXEL_AGENT_SERVER__PORT": "9001"}
    settings = load({"engine": "embedded"}, environment)
    assert (settings.engine, settings.server.port, settings.server.host) == ("embedded", 9001, "::1")


def test_nested_names_reach_the_section() -> None:
    assert load(environment={"PIXEL_AGENT_SIMULATED__BASE_MS": "5"}).simulated.base_ms == 5


@pytest.mark.parametrize(
    ("environment", "names"),
    [
        ({"PIXEL_AGENT_SERVER__PROT": "1"}, "server.prot"),
        ({"PIXEL_AGENT_ENGIN": "simulated"}, "engin"),
        ({"PIXEL_AGENT_SERVER__PORT": "many"}, "PIXEL_AGENT_SERVER__PORT"),
        ({"PIXEL_AGENT_SERVER": "x", "PIXEL_AGENT_SERVER__PORT": "1"}, "PIXEL_AGENT_SERVER__PORT"),
        ({"PIXEL_AGENT_CONFIG": "/does/not/exist.toml"}, "exist.toml"),
    ],
)
def test_a_wrong_setting_is_an_error_that_names_it(environment: dict[str, str], names: str) -> None:
    with pytest.raises(ConfigurationError, match=names):
        load(environment=environment)


def test_a_broken_file_is_an_error_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("engine = \n")
    with pytest.raises(ConfigurationError, match="line 1"):
        load(environment={"PIXEL_AGENT_CONFIG": str(path)})


def test_the_docs_list_every_setting_with_its_default() -> None:
    text = OPERATIONS.read_text("utf-8")
    for name, value, about in describe(Settings()):
        assert about, f"{name} has no description"
        line = f"| `{name}` | {f'`{value}`' if value else '–'} | {about} |"
        assert line in text, f"renew the table in docs/operations.md with `pixel-agent settings --markdown`: {name}"
