"""Current state of the service for `/v1/stats`, its event stream, `pixel-agent top` and the gauges of `/metrics`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pixel_agent.core import Priority, Scan
from pixel_agent.core.settings import Settings
from pixel_agent.jobs.persistence import Persistence
from pixel_agent.photo.stage import PhotoStage
from pixel_agent.scheduling.admission import Admission
from pixel_agent.scheduling.batcher import Batcher
from pixel_agent.scheduling.pool import Pool
from pixel_agent.schemas.stats import (
    BatchStats,
    DeviceOut,
    GpuOut,
    MachineOut,
    QueueOut,
    ReplicaOut,
    ScanStats,
    Stats,
    StorageOut,
    TuningOut,
)
from pixel_agent.service.metrics import WINDOW_S, Gauge, Metrics
from pixel_agent.service.monitor import Monitor
from pixel_agent.service.result_cache import ResultCache


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a service that the stats read."""

    settings: Settings
    pool: Pool
    batcher: Batcher
    admission: Admission
    cache: ResultCache[Scan]
    photos: PhotoStage
    metrics: Metrics
    monitor: Monitor
    persistence: Persistence | None


def snapshot(parts: Parts) -> Stats:
    """Read the current state; cheap enough for once a second and many subscribers."""
    replicas = parts.pool.stats()
    uptime_s = parts.metrics.uptime_s
    busy_s = sum(replica.busy_s for replica in replicas)
    return Stats(
        engine=parts.pool.engine.info.name,
        ready=parts.pool.ready,
        uptime_s=uptime_s,
        scans=_scans(parts),
        queue=_queue(parts),
        batches=_batches(parts),
        replicas=[ReplicaOut.model_validate(replica) for replica in replicas],
        device=_device(parts, busy_s, busy_s / max(1e-9, uptime_s * len(replicas))),
        machine=_machine(parts),
        tuning=_tuning(parts),
        store=_store(parts),
    )


def gauges(parts: Parts) -> Iterator[Gauge]:
    """The current state as gauges for Prometheus."""
    now = snapshot(parts)
    yield Gauge("queue_length", "Scans that wait.", ("priority",), _by_label(now.queue.waiting))
    yield _single("in_flight", "Scans that run.", now.queue.in_flight)
    refused = tuple(((reason,), float(count)) for reason, count in now.scans.refused.items())
    yield Gauge("refused_total", "Scans refused at admission.", ("reason",), refused, counter=True)
    yield _single("inside_scans", "Scans inside, in any stage.", now.queue.inside_scans)
    yield _single("inside_bytes", "Bytes of uploads inside.", now.queue.inside_bytes)
    yield _single("drain_per_second", "Scans that the replicas answer a second under load.", now.queue.drain_per_s)
    yield _single("cancelled_total", "Scans whose clients left.", now.queue.cancelled)
    yield _single("expired_total", "Scans whose deadline passed.", now.queue.expired)
    states = tuple(((str(r.number), r.state), 1.0) for r in now.replicas)
    yield Gauge("replica_state", "1 for the state that a replica is in.", ("replica", "state"), states)
    restarts = tuple(((str(r.number),), float(r.restarts)) for r in now.replicas)
    yield Gauge("replica_restarts", "Restarts of a replica.", ("replica",), restarts)
    yield _single("device_busy_seconds", "Time that replicas were busy.", now.device.busy_s)
    for name, text in (
        ("utilisation", "Use of a GPU, 0-1."),
        ("memory_used_bytes", "Memory in use on a GPU."),
        ("memory_total_bytes", "Memory of a GPU."),
        ("power_w", "Power that a GPU draws, in watts."),
        ("temperature_c", "Temperature of a GPU, in degrees Celsius."),
    ):
        seen = tuple(
            ((str(g.index), g.name), float(getattr(g, name))) for g in now.device.gpus if getattr(g, name) is not None
        )
        yield Gauge(f"gpu_{name}", text, ("gpu", "name"), seen)
    yield _single("photo_threads", "Processes (or threads) that prepare photos.", now.machine.photo_threads)
    if now.store is not None:
        yield _single("store_ok", "1 while records and photos can be written.", now.store.ok)
        yield _single("store_waiting", "Records that wait for the store.", now.store.waiting)
        yield _counter("store_recorded_total", "Synchronous scans recorded.", now.store.recorded)
        yield _counter("store_lost_total", "Records given up because the store did not work.", now.store.lost)
    yield _single("process_rss_bytes", "Memory of this process.", now.machine.process_rss_bytes)


def _scans(parts: Parts) -> ScanStats:
    last = parts.metrics.latencies()
    shared = parts.cache.counts
    return ScanStats(
        window_s=WINDOW_S,
        per_s=last.per_s,
        mean_ms=last.mean_ms,
        p50_ms=last.p50_ms,
        p95_ms=last.p95_ms,
        p99_ms=last.p99_ms,
        outcomes=dict(parts.metrics.totals),
        refused=parts.admission.stats().refused,
        shared_in_flight=shared.in_flight,
        shared_from_cache=shared.cache,
    )


def _queue(parts: Parts) -> QueueOut:
    queue, inside = parts.batcher.stats(), parts.admission.stats()
    return QueueOut(
        waiting={priority.value: count for priority, count in queue.waiting.items()},
        in_flight=queue.in_flight,
        inside_scans=sum(inside.inside.values()),
        inside_bytes=inside.bytes_inside,
        oldest_wait_ms=queue.oldest_wait_s * 1000,
        arrivals_per_s=round(queue.arrivals_per_s, 3),
        drain_per_s=round(queue.drain_per_s, 3),
        cancelled=queue.cancelled,
        expired=queue.expired,
    )


def _batches(parts: Parts) -> BatchStats:
    queue = parts.batcher.stats()
    fit = parts.pool.latency.fit
    return BatchStats(
        count=queue.batches,
        items=queue.items,
        mean_items=queue.items / queue.batches if queue.batches else None,
        recent=list(queue.batch_sizes),
        last_items=queue.batch_sizes[-1] if queue.batch_sizes else None,
        why=queue.last.why if queue.last else "",
        fit_base_ms=fit.base_s * 1000,
        fit_per_item_ms=fit.item_s * 1000,
        fit_per_token_ms=fit.token_s * 1000,
    )


def _device(parts: Parts, busy_s: float, busy: float) -> DeviceOut:
    sample = parts.monitor.latest
    gpus = [GpuOut.model_validate(gpu) for gpu in sample.gpus]
    return DeviceOut(busy_s=busy_s, busy=busy, gpus=gpus, gpu_note=sample.gpu_note)


def _machine(parts: Parts) -> MachineOut:
    sample, photos = parts.monitor.latest, parts.photos.stats
    return MachineOut(
        cpu=sample.cpu,
        memory_used_bytes=sample.memory_used_bytes,
        memory_total_bytes=sample.memory_total_bytes,
        process_rss_bytes=sample.process_rss_bytes,
        photo_threads=photos.workers,
        photo_busy=photos.busy,
        photo_queued=photos.queued,
    )


def _tuning(parts: Parts) -> TuningOut:
    admission, limits, settings = parts.admission, parts.pool.engine.limits, parts.settings
    inside, forecast = admission.stats(), parts.batcher.forecast()
    return TuningOut(
        slo_ms=None if admission.slo_s is None else admission.slo_s * 1000,
        window_ms=settings.scheduler.window_ms,
        limit_items=forecast.batch_items,
        engine_items=limits.max_items,
        engine_tokens=limits.max_tokens,
        full_ms=round(forecast.round_s * 1000, 1),
        alone_ms=round(forecast.alone_s * 1000, 1),
        measured=forecast.measured,
        overloaded=inside.overloaded,
        bias_ms=round(inside.bias_s * 1000, 1),
        scatter_ms=round(inside.scatter_s * 1000, 1),
        wait_ms={priority.value: round(admission.wait_s(priority) * 1000, 1) for priority in Priority},
    )


def _store(parts: Parts) -> StorageOut | None:
    if parts.persistence is None:
        return None
    state, records = parts.persistence.storage.state, parts.persistence.recorder.stats
    return StorageOut(
        ok=state.ok,
        code=state.code,
        reason=state.reason,
        recorded=records.recorded,
        waiting=records.waiting,
        lost=records.lost,
    )


def _single(name: str, text: str, value: float) -> Gauge:
    return Gauge(name, text, (), (((), float(value)),))


def _counter(name: str, text: str, value: float) -> Gauge:
    return Gauge(name, text, (), (((), float(value)),), counter=True)


def _by_label(values: dict[str, int]) -> tuple[tuple[tuple[str, ...], float], ...]:
    return tuple(((label,), float(value)) for label, value in values.items())
