"""The journal stores records until they are in the database, even if the process dies."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pixel_agent.core import ScanSpec, Status
from pixel_agent.core.errors import StoreFull, StoreUnavailable
from pixel_agent.storage import journal as module
from pixel_agent.storage.completed import Completed
from pixel_agent.storage.journal import Journal, left_behind
from pixel_agent.storage.records import NewScan, Outcome, PhotoRecord, Topic

BY_ID = {
    number: Completed(
        NewScan(f"{number:032x}", "sync", ScanSpec("price_tag", options={"today": None}), 1, PhotoRecord("a" * 64, 5)),
        Outcome(Status.COMPLETED, 2, document='{"a":"可\\n乐"}', topics=(Topic("alert", "expired", "major", 1),)),
    )
    for number in range(10)
}


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    journal = Journal(tmp_path)
    yield journal
    await journal.close()


def release(journal: Journal, *numbers: int) -> None:
    for number in numbers:
        journal.release(number)


def files(folder: Path) -> list[Path]:
    return sorted((folder / "journal").glob("*"))


def left(folder: Path) -> Iterator[Completed]:
    """All that a next process finds, file by file; each is removed."""
    while (found := left_behind(folder)) is not None:
        with closing(found):
            yield from found.records()
            found.remove()


async def append(journal: Journal, *numbers: int) -> list[int]:
    appended = [journal.append(BY_ID[number]) for number in numbers]
    await asyncio.gather(*(one.done for one in appended))
    return [one.file for one in appended]


async def test_what_a_process_appended_is_left_to_the_next_in_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    await append(journal, 0, 1, 2)
    await append(journal, 3)
    await journal.close()
    assert list(left(tmp_path)) == [BY_ID[number] for number in range(4)]
    assert files(tmp_path) == []


async def test_a_journal_in_use_is_left_alone(tmp_path: Path, journal: Journal) -> None:
    await append(journal, 0)
    assert left_behind(tmp_path) is None
    other = Journal(tmp_path)
    await append(other, 1)
    await other.close()
    assert list(left(tmp_path)) == [BY_ID[1]]
    assert len(files(tmp_path)) == 1


async def test_only_one_process_recovers_a_journal(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    await append(journal, 0)
    await journal.close()
    first = left_behind(tmp_path)
    assert first is not None
    assert left_behind(tmp_path) is None
    first.close()  # it could not be put in
    assert list(left(tmp_path)) == [BY_ID[0]]


async def test_what_was_released_is_left_to_nobody(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    release(journal, *await append(journal, 0, 1))
    await append(journal, 2)
    await journal.close()
    assert list(left(tmp_path)) == [BY_ID[2]]


async def test_a_journal_of_which_all_was_released_leaves_no_file(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    release(journal, *await append(journal, 0))
    await journal.close()
    assert files(tmp_path) == []


async def test_a_record_that_is_released_before_it_is_written_leaves_no_line(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    appended = [journal.append(BY_ID[number]) for number in range(3)]
    for each in appended:
        journal.release(each.file)
    await asyncio.gather(*(each.done for each in appended))
    await journal.close()
    assert files(tmp_path) == []


async def test_a_long_journal_goes_on_in_another_file_and_lets_go_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SEGMENT_BYTES", 1)
    journal = Journal(tmp_path)
    assert await append(journal, 0, 1, 2) == [0, 1, 2]
    assert len(files(tmp_path)) == 3
    release(journal, 0, 1)
    await journal.close()
    assert list(left(tmp_path)) == [BY_ID[2]]


async def test_a_line_that_is_half_there_takes_no_other_along(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    await append(journal, 0, 1)
    await journal.close()
    (file,) = files(tmp_path)
    file.write_bytes(file.read_bytes()[:-20])
    assert list(left(tmp_path)) == [BY_ID[0]]


async def test_a_full_disk_is_told_and_leaves_no_half_line(
    tmp_path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write

    def full(descriptor: int, data: memoryview) -> int:
        if len(data) < 100:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[:-50])

    await append(journal, 0)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(StoreFull):
            await append(journal, 1)
    await append(journal, 2)
    await journal.close()
    assert list(left(tmp_path)) == [BY_ID[0], BY_ID[2]]


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("in the way")
    journal = Journal(tmp_path)
    with pytest.raises(StoreUnavailable):
        await append(journal, 0)
    release(journal, 0)
    await journal.close()


async def test_a_journal_does_not_grow_without_end(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 1500)
    appended = [journal.append(BY_ID[number]) for number in range(9)]
    done = await asyncio.gather(*(one.done for one in appended), return_exceptions=True)
    assert {type(error) for error in done} == {type(None), StoreFull}
    release(journal, *(one.file for one in appended))
    await append(journal, 9)
