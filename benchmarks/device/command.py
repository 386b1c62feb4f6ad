"""The command-line command of the device benchmark, in its own module so that no other benchmark loads PyTorch."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated

import typer


def bench_device(
    seconds: Annotated[float, typer.Option(help="How long each contender gets new photos, in seconds.")] = 20.0,
    clients: Annotated[int, typer.Option(help="Clients that each wait for an answer before they ask again.")] = 32,
    tokens: Annotated[int, typer.Option(help="Tokens written for each photo.")] = 128,
    batch: Annotated[int, typer.Option(help="Maximum batch size of Pixel Agent.")] = 32,
    tiny: Annotated[bool, typer.Option(help="Run the tiny model on the CPU even where there is a GPU.")] = False,
    server: Annotated[bool, typer.Option(help="Measure `transformers serve` too, on the CPU.")] = True,
    json_path: Annotated[Path | None, typer.Option("--json", help="Also write the rows to this file.")] = None,
) -> None:
    """Measure scans a second, response times, use of the device, and the ratio to what the device allows at best."""
    if importlib.util.find_spec("torch") is None:
        raise typer.BadParameter("This benchmark needs PyTorch: pip install 'pixel-agent[transformers]'.")
    from benchmarks.device.run import compare_on_device

    compare_on_device(
        seconds=seconds,
        clients=clients,
        tokens=tokens,
        batch=batch,
        tiny=tiny,
        server=server,
        json_path=json_path,
    )
