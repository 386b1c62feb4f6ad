"""The webhook benchmark: its counts are correct, and a small run works."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from benchmarks.storage.webhook_receiver import Received
from benchmarks.storage.webhooks import Outcome, Plan, bench_webhooks
from pixel_agent.schemas.signing import new_secret, sign

SECRET = new_secret()
PLAN = Plan(1, 0, 1, 0, "")


def received(number: int, kind: str, *, secret: str = SECRET, taken: bool = True) -> Received:
    body = json.dumps({"type": kind, "timestamp": "2026-11-22T08:00:00Z", "data": {"scan_id": "a"}}).encode()
    now = int(time.time())
    headers = {
        "webhook-id": f"msg_{number}",
        "webhook-timestamp": str(now),
        "webhook-signature": sign(secret, f"msg_{number}", now, body),
    }
    return Received("/", headers, body, 1.0, taken)


def test_what_is_lost_doubled_forged_or_out_of_order_is_counted() -> None:
    good = [received(1, "scan.completed"), received(2, "scan.reviewed")]
    found = Outcome(2, 0.0, good, SECRET).found(PLAN)
    names = ("lost", "twice", "signature proven", "scans out of order")
    assert [found[name] for name in names] == [0, 0, 2, 0]
    assert Outcome(3, 0.0, good, SECRET).found(PLAN)["lost"] == 1
    assert Outcome(2, 0.0, [*good, good[1]], SECRET).found(PLAN)["twice"] == 1
    assert Outcome(2, 0.0, good[::-1], SECRET).found(PLAN)["scans out of order"] == 1
    forged = received(2, "scan.reviewed", secret=new_secret())
    assert Outcome(2, 0.0, [good[0], forged], SECRET).found(PLAN)["signature proven"] == 1
    refused = received(2, "scan.reviewed", taken=False)
    assert Outcome(2, 0.0, [good[0], refused, good[1]], SECRET).found(PLAN)["refused with 500"] == 1


@pytest.mark.bench
def test_a_small_run_loses_nothing(tmp_path: Path) -> None:
    report = tmp_path / "webhooks.json"
    bench_webhooks(scans=6, down_s=1.0, servers=1, refuse_every=4, database="", json_path=report)
    found = {row["what"]: row["found"] for row in json.loads(report.read_text())["rows"]}
    assert (found["delivered"], found["lost"], found["twice"], found["scans out of order"]) == (12, 0, 0, 0)
    assert found["signature proven"] == 12
