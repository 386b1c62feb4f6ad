"""Samples the machine and its GPUs in a separate thread, never while a request waits for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from types import ModuleType

import psutil

from pixel_agent.core.settings import MonitorSettings

log = logging.getLogger("pixel_agent.service.monitor")


@dataclass(frozen=True, slots=True)
class GpuSample:
    """One GPU. Shares are 0-1, memory in bytes, None if the driver does not report a value."""

    index: int
    name: str
    utilisation: float | None
    memory_used_bytes: int | None
    memory_total_bytes: int | None
    power_w: float | None
    temperature_c: float | None
    uuid: str = ""

    @property
    def free_memory_bytes(self) -> int | None:
        """Memory that is not in use, in bytes; None if the driver does not report it."""
        if self.memory_total_bytes is None or self.memory_used_bytes is None:
            return None
        return self.memory_total_bytes - self.memory_used_bytes


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample of the machine. `gpu_note` says why there are no GPUs."""

    time: float
    cpu: float
    memory_used_bytes: int
    memory_total_bytes: int
    process_rss_bytes: int
    gpus: tuple[GpuSample, ...]
    gpu_note: str


class Nvml:
    """The NVIDIA management library, opened once. Raises RuntimeError with the reason if there is no GPU."""

    def __init__(self) -> None:
        import pynvml

        self._nvml: ModuleType = pynvml
        try:
            pynvml.nvmlInit()
            self._handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
            self._names = [str(pynvml.nvmlDeviceGetName(handle)) for handle in self._handles]
            self._uuids = [str(pynvml.nvmlDeviceGetUUID(handle)) for handle in self._handles]
        except pynvml.NVMLError as error:
            raise RuntimeError(str(error)) from None
        if not self._handles:
            raise RuntimeError("no NVIDIA GPU in this machine")

    def sample(self) -> tuple[GpuSample, ...]:
        """One sample of every GPU; values that a driver does not support are None."""
        return tuple(self._one(index) for index in range(len(self._handles)))

    def close(self) -> None:
        """Shut the library down."""
        self._nvml.nvmlShutdown()

    def _one(self, index: int) -> GpuSample:
        nvml, handle = self._nvml, self._handles[index]
        used = self._ask(lambda: float(nvml.nvmlDeviceGetMemoryInfo(handle).used))
        total = self._ask(lambda: float(nvml.nvmlDeviceGetMemoryInfo(handle).total))
        busy = self._ask(lambda: float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu))
        power = self._ask(lambda: float(nvml.nvmlDeviceGetPowerUsage(handle)))
        return GpuSample(
            index=index,
            name=self._names[index],
            utilisation=None if busy is None else busy / 100,
            memory_used_bytes=None if used is None else int(used),
            memory_total_bytes=None if total is None else int(total),
            power_w=None if power is None else power / 1000,
            temperature_c=self._ask(lambda: float(nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU))),
            uuid=self._uuids[index],
        )

    def _ask(self, question: Callable[[], float]) -> float | None:
        try:
            return question()
        except self._nvml.NVMLError:
            return None


class Monitor:
    """Samples every `interval_s` in the background; `latest` can be read from any thread."""

    def __init__(self, settings: MonitorSettings, open_gpus: Callable[[], Nvml] = Nvml) -> None:
        self._settings = settings
        self._process = psutil.Process()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._gpus: Nvml | None = None
        self._gpu_note = ""
        try:
            self._gpus = open_gpus()
        except Exception as error:  # a missing or broken library, or no GPU: all have the same effect
            self._gpu_note = f"no GPU is watched: {error}"
        self.latest = self._sample()

    def start(self) -> None:
        """Start the sampling thread."""
        if self._gpu_note:
            log.info("%s", self._gpu_note)
        self._thread = threading.Thread(target=self._loop, name="monitor", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop sampling and close the driver."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if self._gpus is not None:
            self._gpus.close()

    def _loop(self) -> None:
        while not self._stop.wait(self._settings.interval_s):
            self.latest = self._sample()

    def _sample(self) -> Sample:
        memory = psutil.virtual_memory()
        gpus: tuple[GpuSample, ...] = ()
        if self._gpus is not None:
            try:
                gpus = self._gpus.sample()
            except Exception as error:  # a failed driver must not stop the service
                self._gpu_note = f"the GPU driver failed: {error}"
        return Sample(
            time=monotonic(),
            cpu=psutil.cpu_percent() / 100,
            memory_used_bytes=memory.total - memory.available,
            memory_total_bytes=memory.total,
            process_rss_bytes=self._process.memory_info().rss,
            gpus=gpus,
            gpu_note=self._gpu_note,
        )


class OwnUse:
    """This service's part of a GPU's use, from the replicas' busy time between two samples of the monitor."""

    def __init__(self) -> None:
        self._seen = (0.0, 0.0)
        self._share = 0.0

    def share(self, at: float, busy_s: float) -> float:
        """This service's share of the time (0-1) between the latest samples.

        `at` is the time of the latest sample; `busy_s` grows by one second per second of work.
        """
        time, before = self._seen
        if at > time:
            self._share = min(1.0, max(0.0, (busy_s - before) / (at - time))) if time else 0.0
            self._seen = (at, busy_s)
        return self._share
