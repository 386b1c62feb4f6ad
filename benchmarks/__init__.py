"""All benchmarks, their load client and the servers they compare with: `python -m benchmarks NAME`."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The repository root: programs of this package start there."""
