"""Every benchmark, its load client and the servers it compares with: `python -m benchmarks NAME`."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The repository: programs of this package start there."""
