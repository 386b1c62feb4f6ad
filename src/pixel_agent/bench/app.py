"""The command `pixel-agent bench`: every benchmark. Apart from the package, so that load clients start without it."""

from __future__ import annotations

import typer

from pixel_agent.bench.codes import bench_codes
from pixel_agent.bench.dates import bench_dates
from pixel_agent.bench.decode import bench_decode
from pixel_agent.bench.device_command import bench_device
from pixel_agent.bench.export import bench_export
from pixel_agent.bench.history import bench_history
from pixel_agent.bench.load import bench_load
from pixel_agent.bench.ocr import bench_ocr
from pixel_agent.bench.recording import bench_recording
from pixel_agent.bench.references import bench_reference
from pixel_agent.bench.store import bench_store
from pixel_agent.bench.tags import bench_tags
from pixel_agent.bench.webhooks import bench_webhooks

bench_app = typer.Typer(no_args_is_help=True, help="Measure; docs/benchmarks.md says what came out.")
bench_app.command("codes")(bench_codes)
bench_app.command("dates")(bench_dates)
bench_app.command("decode")(bench_decode)
bench_app.command("device")(bench_device)
bench_app.command("export")(bench_export)
bench_app.command("history")(bench_history)
bench_app.command("load")(bench_load)
bench_app.command("ocr")(bench_ocr)
bench_app.command("recording")(bench_recording)
bench_app.command("reference")(bench_reference)
bench_app.command("store")(bench_store)
bench_app.command("tags")(bench_tags)
bench_app.command("webhooks")(bench_webhooks)
