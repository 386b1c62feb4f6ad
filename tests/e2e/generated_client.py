"""Generates a client from the OpenAPI document and asks a served application with it: `make check-generated-client`.

The generator wants an older typer than the product, so it stays out of the tests' environment: its Python is the argument.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import httpx

from tests.e2e.conftest import servers

CALLS = """
import sys
from pixel_agent_client import Client
from pixel_agent_client.api.history import list_scans
from pixel_agent_client.api.operations import stats
from pixel_agent_client.models import ScanPage, Stats

with Client(base_url=sys.argv[1]) as client:
    page, now = list_scans.sync(client=client), stats.sync(client=client)
assert isinstance(page, ScanPage) and page.scans == [], page
assert isinstance(now, Stats) and now.ready is True, now
"""


def main(python: str) -> None:
    """Raise if the generator warns, or if what it made does not work."""
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder)) as start:
        url = start().url
        document = Path(folder, "openapi.json")
        document.write_bytes(httpx.get(f"{url}/openapi.json").content)
        generate = [
            "-m",
            "openapi_python_client",
            "generate",
            "--path",
            str(document),
            "--output-path",
            f"{folder}/made",
        ]
        made = subprocess.run([python, *generate], capture_output=True, text=True, check=True)
        if "warning" in (made.stdout + made.stderr).lower():
            raise SystemExit(made.stdout + made.stderr)
        subprocess.run([python, "-c", CALLS, url], cwd=f"{folder}/made", check=True)
    print("The generated client works, and its generator had nothing to remark.")


if __name__ == "__main__":
    main(sys.argv[1])
