"""Nothing accepted is lost: a small version of the proof; `make prove-durability` runs the whole of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.databases import Postgres
from tests.e2e.durability import prove

pytestmark = pytest.mark.e2e


def test_nothing_accepted_is_lost_when_a_server_is_killed(tmp_path: Path) -> None:
    proof = prove(tmp_path, "", number=1, count=40, kills=2)
    assert proof.holds, proof


@pytest.mark.postgres
def test_nothing_accepted_is_lost_when_one_of_two_servers_is_killed(tmp_path: Path, postgres: Postgres) -> None:
    proof = prove(tmp_path, postgres.create(), number=2, count=40, kills=2)
    assert proof.holds, proof
