"""The command `python -m benchmarks NAME` for every benchmark; docs/benchmarks.md lists the results."""

from __future__ import annotations

import typer

from benchmarks.decode import bench_decode
from benchmarks.device.command import bench_device
from benchmarks.load.run import bench_load
from benchmarks.reading.cases import bench_reading
from benchmarks.reading.codes import bench_codes
from benchmarks.reading.dates import bench_dates
from benchmarks.reading.ocr import bench_ocr
from benchmarks.reading.tags import bench_tags
from benchmarks.reference.run import bench_reference
from benchmarks.storage.export import bench_export
from benchmarks.storage.history import bench_history
from benchmarks.storage.recording import bench_recording
from benchmarks.storage.run import bench_store
from benchmarks.storage.webhooks import bench_webhooks

bench_app = typer.Typer(no_args_is_help=True, help="Measure; docs/benchmarks.md says what came out.")
bench_app.command("codes")(bench_codes)
bench_app.command("dates")(bench_dates)
bench_app.command("decode")(bench_decode)
bench_app.command("device")(bench_device)
bench_app.command("export")(bench_export)
bench_app.command("history")(bench_history)
bench_app.command("load")(bench_load)
bench_app.command("ocr")(bench_ocr)
bench_app.command("reading")(bench_reading)
bench_app.command("recording")(bench_recording)
bench_app.command("reference")(bench_reference)
bench_app.command("store")(bench_store)
bench_app.command("tags")(bench_tags)
bench_app.command("webhooks")(bench_webhooks)

if __name__ == "__main__":
    bench_app(prog_name="python -m benchmarks")
