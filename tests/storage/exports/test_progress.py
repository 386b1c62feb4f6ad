"""Progress of exports: the newest are remembered, and a reused id means the newer one."""

from __future__ import annotations

from pixel_agent.storage.exports.progress import MAX_KNOWN, ExportProgresses


def test_the_oldest_export_is_forgotten() -> None:
    known = ExportProgresses()
    for number in range(MAX_KNOWN + 1):
        known.begin(f"export-{number}", number)
    assert known.get("export-0") is None
    assert known.get("export-1") is not None


def test_an_id_means_the_newest_export_that_has_it() -> None:
    known = ExportProgresses()
    known.begin("export", 1).finished = True
    known.begin("export", 2)
    found = known.get("export")
    assert found is not None
    assert (found.scans_total, found.finished) == (2, False)
