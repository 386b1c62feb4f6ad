"""Waking waiters: no event is missed between check and wait, and waiters that left use no memory."""

from __future__ import annotations

from pixel_agent.storage.notifier import ANY, Notifier


async def test_what_happens_between_the_look_and_the_wait_is_heard() -> None:
    notifier = Notifier()
    with notifier.listening("scan") as changed:
        notifier.notify("scan")
        assert await changed(10)


async def test_other_subjects_wake_nobody() -> None:
    notifier = Notifier()
    with notifier.listening("scan") as changed:
        notifier.notify("another", None)
        assert not await changed(0.001)


async def test_all_who_listen_wake() -> None:
    notifier = Notifier()
    with notifier.listening("batch") as one, notifier.listening("batch") as other:
        notifier.notify("batch")
        heard = [await one(10), await other(10)]
        assert heard == [True, True]


async def test_a_change_is_heard_once() -> None:
    notifier = Notifier()
    with notifier.listening("scan") as changed:
        notifier.notify("scan")
        assert [await changed(10), await changed(0.001)] == [True, False]


async def test_who_left_is_forgotten() -> None:
    notifier = Notifier()
    with notifier.listening("scan"):
        pass
    notifier.notify("scan")
    assert notifier.subjects == 0


async def test_one_may_listen_for_everything() -> None:
    notifier = Notifier()
    with notifier.listening(ANY) as changed:
        notifier.notify("scan")
        assert await changed(10)
