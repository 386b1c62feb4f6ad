"""Wire types of the service's stats, now and over the last quarter of an hour."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Action = Literal["more", "fewer", "keep", "unknown"]
Why = Literal["refusing", "busy", "idle", "fits", "down", "too_early"]


class ScanStats(BaseModel):
    """Scans answered in the last `window_s`, and totals since the start by outcome."""

    window_s: float
    per_s: float
    mean_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    outcomes: dict[str, int]
    refused: dict[str, int]
    shared_in_flight: int
    shared_from_cache: int


class QueueOut(BaseModel):
    """Admitted scans. Rates are scans per second; `drain_per_s` is the throughput of the replicas under load."""

    waiting: dict[str, int]
    in_flight: int
    inside_scans: int
    inside_bytes: int
    oldest_wait_ms: float
    arrivals_per_s: float
    drain_per_s: float
    cancelled: int
    expired: int


class BatchStats(BaseModel):
    """Batches since the start; `why` is the reason of the last decision, `recent` lists the latest sizes."""

    count: int
    items: int
    mean_items: float | None
    recent: list[int]
    last_items: int | None
    why: str
    fit_base_ms: float
    fit_per_item_ms: float
    fit_per_token_ms: float


class ReplicaOut(BaseModel):
    """One replica of the engine."""

    model_config = ConfigDict(from_attributes=True)

    number: int
    state: str
    busy_s: float
    batches: int
    items: int
    restarts: int
    error: str


class GpuOut(BaseModel):
    """One GPU; shares are 0-1."""

    model_config = ConfigDict(from_attributes=True)

    index: int
    name: str
    utilisation: float | None
    memory_used_bytes: int | None
    memory_total_bytes: int | None
    power_w: float | None
    temperature_c: float | None


class DeviceOut(BaseModel):
    """The device: busy time of the replicas since the start, and the monitor's values."""

    busy_s: float
    busy: float
    gpus: list[GpuOut]
    gpu_note: str


class MachineOut(BaseModel):
    """The machine, and this process on it."""

    cpu: float
    memory_used_bytes: int
    memory_total_bytes: int
    process_rss_bytes: int
    photo_threads: int
    photo_busy: int
    photo_queued: int


class TuningOut(BaseModel):
    """Inputs of admission and of the batching policy.

    `slo_ms` is the response time that admission protects, None if there is none. `limit_items` is the largest batch
    right now, `engine_items` and `engine_tokens` are the engine's own bounds. `full_ms` and `alone_ms` are the
    predicted times of a full batch and of a single scan; `measured` says whether they come from measurements. `bias_ms`
    is how much longer than predicted answers take, `scatter_ms` their mean deviation from that.
    """

    slo_ms: float | None
    window_ms: float
    limit_items: int
    engine_items: int
    engine_tokens: int
    full_ms: float
    alone_ms: float
    measured: bool
    overloaded: bool
    bias_ms: float
    scatter_ms: float
    wait_ms: dict[str, float]


class StorageOut(BaseModel):
    """Whether records and photos can be written; if not, `code` and `reason` say why.

    Records of synchronous scans since the start: written, waiting for the storage, and lost.
    """

    ok: bool
    code: str
    reason: str
    recorded: int
    waiting: int
    lost: int


class Stats(BaseModel):
    """All stats at one moment. `store` is None if scans are not stored."""

    engine: str
    ready: bool
    uptime_s: float
    scans: ScanStats
    queue: QueueOut
    batches: BatchStats
    replicas: list[ReplicaOut]
    device: DeviceOut
    machine: MachineOut
    tuning: TuningOut
    store: StorageOut | None = None


class Point(BaseModel):
    """One second. Rates are per second since the previous point, latencies those of the last minute, shares 0-1.

    `batch_items` is the mean of the batches that started since then, None without any; `gpu` and `gpu_memory` are None
    without a GPU; `refused_per_s` counts the scans that admission rejected.
    """

    t: int
    answered_per_s: float
    refused_per_s: float
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    interactive: int
    normal: int
    bulk: int
    in_flight: int
    batch_items: float | None
    busy: float
    gpu: float | None
    gpu_memory: float | None
    cpu: float
    memory: float
    replicas: int


class Advice(BaseModel):
    """Advice on the number of replicas: `why` is a stable code, `replicas` the current number."""

    action: Action
    why: Why
    replicas: int
    busy: float
    refused_per_s: float


class StatsColumns(BaseModel):
    """Points as columns, oldest first: `points["t"]` are milliseconds since 1970, the others as in `Point`."""

    interval_s: float
    points: dict[str, list[float | None]]
    advice: Advice


class NewPoint(BaseModel):
    """One new point, and the current advice."""

    point: Point
    advice: Advice
