"""Resolve the newest releases that pyproject.toml allows and print them as a constraints file: `make lock`.

Constraints pin only what an installation asks for, so one file serves the product, its extras and the tests. Hashes and
local versions (`2.13.0+cpu`) are left out: each machine installs the build that fits it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

EXTRAS = "transformers,postgres,bench,test"
HEADER = """\
# What was tested together: `make serve`, `make install` and `make test` install these releases.
# Made by `make lock`; the newest releases are tried by `make test-latest`.
"""


def resolve(project: Path) -> dict[str, str]:
    """The release of every package that the project and its extras need here. Installs nothing."""
    with TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        subprocess.run([*command, f"--report={report}", f"{project}[{EXTRAS}]"], check=True)  # noqa: S603
        found = [entry["metadata"] for entry in json.loads(report.read_text("utf-8"))["install"]]
    return {entry["name"].lower().replace("_", "-"): entry["version"].partition("+")[0] for entry in found}


def main() -> None:
    """Print the constraints file."""
    project = Path(__file__).parent.parent
    releases = resolve(project)
    del releases["pixel-agent"]
    print(HEADER + "\n".join(f"{name}=={release}" for name, release in sorted(releases.items())))


if __name__ == "__main__":
    main()
