"""The monitor samples existing devices, and reports missing ones."""

from __future__ import annotations

import threading
from dataclasses import replace

from pixel_agent.core.settings import MonitorSettings
from pixel_agent.service.monitor import GpuSample, Monitor, Nvml, OwnUse, Sample


class FakeGpus(Nvml):
    """Two GPUs; the driver can be made to fail."""

    def __init__(self) -> None:
        self.failing = False
        self.closed = False
        self.sampled = threading.Event()

    def sample(self) -> tuple[GpuSample, ...]:
        self.sampled.set()
        if self.failing:
            raise RuntimeError("driver fell over")
        return tuple(GpuSample(i, "card", 0.5 + i / 4, 10 * (i + 1), 100, 250.0, 60.0, f"GPU-{i}") for i in range(2))

    def close(self) -> None:
        self.closed = True


def _no_gpus() -> Nvml:
    raise RuntimeError("library not found")


def test_without_a_gpu_it_says_so_and_still_watches_the_machine() -> None:
    sample = Monitor(MonitorSettings(), _no_gpus).latest
    assert "library not found" in sample.gpu_note
    assert sample.gpus == ()
    assert sample.process_rss_bytes > 0


def test_each_gpu_has_its_own_free_memory() -> None:
    first, second = Monitor(MonitorSettings(), FakeGpus).latest.gpus
    assert (first.free_memory_bytes, second.free_memory_bytes) == (90, 80)
    assert replace(first, memory_total_bytes=None).free_memory_bytes is None


def test_it_samples_in_the_background_and_survives_a_failing_driver() -> None:
    gpus = FakeGpus()
    monitor = Monitor(MonitorSettings(interval_s=0.001), lambda: gpus)
    gpus.failing = True
    gpus.sampled.clear()
    monitor.start()
    assert gpus.sampled.wait(60)
    gpus.sampled.clear()
    assert gpus.sampled.wait(60)
    monitor.stop()
    assert gpus.closed
    assert "driver fell over" in monitor.latest.gpu_note


def test_a_real_machine_can_be_looked_at() -> None:
    assert isinstance(Monitor(MonitorSettings()).latest, Sample)


def test_our_own_share_is_the_busy_time_between_two_samples() -> None:
    own = OwnUse()

    def at(time: float, busy_s: float) -> float:
        return own.share(time, busy_s)

    assert [at(10, 3), at(12, 4), at(12, 9), at(13, 9)] == [0.0, 0.5, 0.5, 1.0]
