"""Settings, one class per stage. Each setting has a default, a unit and a description; unknown keys are errors.

`settings_sources.py` defines the sources and their precedence. Only this module reads the environment.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SecretStr, ValidationError, model_validator

from pixel_agent.core.errors import ConfigurationError
from pixel_agent.core.settings_sources import explain, gather


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ServerSettings(_Section):
    """Address and limits of the HTTP server."""

    host: str = Field("127.0.0.1", description="Address to bind to.")
    port: int = Field(8000, ge=0, le=65535, description="Port to bind to; 0 picks a free one.")
    max_header_bytes: int = Field(
        65_536, ge=1024, description="Largest request head (request line and headers), in bytes."
    )
    head_timeout_s: float = Field(10.0, gt=0, description="Timeout of the request head, in seconds.")
    max_connections: int = Field(4096, ge=1, description="Maximum open connections.")
    max_client_connections: int = Field(
        1024, ge=1, description="Maximum open connections per client address; trusted proxies are exempt."
    )
    upload_max_s: float = Field(
        300.0, gt=0, description="Longest upload, in seconds; a larger upload must be proportionally faster."
    )
    upload_grace_s: float = Field(10.0, gt=0, description="Base time allowed for an upload, in seconds.")
    upload_min_bytes_per_s: int = Field(
        8192, ge=1, description="Minimum average speed of an upload after the base time, in bytes a second."
    )
    allowed_hosts: str = Field(
        "",
        description="Additional allowed Host headers, separated by commas; *.example.com allows subdomains, * allows all.",
    )
    trusted_proxies: str = Field(
        "", description="Addresses or networks of trusted proxies (X-Forwarded-For), separated by commas."
    )
    drain_timeout_s: float = Field(30.0, ge=0, description="Time to finish running scans on shutdown, in seconds.")


_OLD_PHOTO_NAMES = {"max_threads": "processes", "heic_threads": "heic_processes"}


class PhotoSettings(_Section):
    """Limits of the photo stage."""

    max_bytes: int = Field(20 * 2**20, gt=0, description="Largest upload of one photo, in bytes.")
    max_pixels: int = Field(50_000_000, gt=0, description="Largest photo, in pixels; checked before decoding.")
    max_photos: int = Field(8, ge=1, le=8, description="Maximum photos in one request.")
    max_decoded_bytes: int = Field(
        256 * 2**20, gt=0, description="Largest decoded photo, in bytes; checked before decoding."
    )
    processes: int | None = Field(
        None,
        ge=0,
        description="Decoding processes; unset: number of cores minus one; 0: threads of the server, only for tests.",
    )
    heic_processes: int = Field(
        1, ge=1, description="Maximum decoding processes for HEIC and AVIF, which decode slowly."
    )
    decoder_memory_bytes: int = Field(
        2**30,
        ge=2**28,
        description="Memory limit of one decoding process, in bytes (Linux); a photo above it is refused.",
    )
    decode_timeout_s: float = Field(
        10.0, gt=0, description="Timeout of decoding one photo, in seconds; a slower photo is refused."
    )

    @model_validator(mode="before")
    @classmethod
    def _take_old_names(cls, given: Any) -> Any:
        """Threads became processes; the old names are accepted for one release."""
        if not isinstance(given, Mapping):
            return given
        renamed = {name: value for name, value in given.items() if name not in ("min_threads", *_OLD_PHOTO_NAMES)}
        return {**{new: given[old] for old, new in _OLD_PHOTO_NAMES.items() if old in given}, **renamed}


class EvidenceSettings(_Section):
    """Barcode reading on the CPU, parallel to the device."""

    threads: int = Field(1, ge=1, description="Threads that read barcodes.")
    grace_s: float = Field(
        1.0, ge=0, description="Longest wait for barcodes after the engine has answered, in seconds."
    )
    first_pixels: int = Field(1_300_000, gt=0, description="Resolution of the first search for barcodes, in pixels.")


class MonitorSettings(_Section):
    """Monitoring of the machine and its GPUs."""

    interval_s: float = Field(1.0, gt=0, description="Sampling interval, in seconds.")


class CacheSettings(_Section):
    """Result cache for identical scans."""

    ttl_s: float = Field(300.0, ge=0, description="Lifetime of a cached answer, in seconds; 0 turns the cache off.")
    max_bytes: int = Field(32 * 2**20, ge=0, description="Memory for cached answers, in bytes.")


class EmbeddedSettings(_Section):
    """The embedded engine: OCR on ONNX Runtime plus rules; needs no GPU."""

    threads: int = Field(2, ge=1, description="Threads of ONNX Runtime, shared by all sessions.")
    max_items: int = Field(4, ge=1, description="Maximum photos in one batch.")
    max_pixels: int = Field(1600 * 1200, ge=64 * 1024, description="Resolution for reading text, in pixels.")
    min_confidence: float = Field(0.7, ge=0, le=1, description="Lines of text below this confidence (0-1) are dropped.")


class ShopSettings(_Section):
    """Defaults of the shop."""

    currency: str | None = Field(
        None,
        pattern=r"^[A-Z]{3}$",
        description="Currency (ISO 4217) of prices without a currency sign or word.",
    )


class SimulatedSettings(_Section):
    """The simulated device, with scripted faults: t = base + per_item·n + per_token·tokens, one batch at a time."""

    base_ms: float = Field(117.0, ge=0, description="Duration of an empty batch, in milliseconds.")
    per_item_ms: float = Field(8.0, ge=0, description="Additional time per item, in milliseconds.")
    per_token_ms: float = Field(0.0, ge=0, description="Additional time per visual token, in milliseconds.")
    max_items: int = Field(16, ge=1, description="Maximum items in one batch.")
    max_tokens: int = Field(1_000_000, ge=1, description="Maximum visual tokens in one batch.")
    slo_ms: float | None = Field(1000.0, gt=0, description="Response time that the engine promises, in milliseconds.")
    start_ms: float = Field(0.0, ge=0, description="Start time, in milliseconds.")
    jitter: float = Field(0.0, ge=0, lt=1, description="Relative standard deviation of the batch duration.")
    seed: int = Field(0, description="Seed for jitter and random crashes.")
    pieces: int = Field(
        0, ge=0, description="Pieces in which an answer is streamed; 0: the whole answer at the end of the batch."
    )
    oom_above_items: int | None = Field(None, ge=0, description="Batches with more items run out of memory.")
    poison: str = Field("", description="Bytes (UTF-8) in an upload that make its batch fail; empty: off.")
    crash_every: int | None = Field(None, ge=1, description="The device crashes on every n-th batch after its start.")
    crash_probability: float = Field(0.0, ge=0, le=1, description="Probability that the device crashes on a batch.")
    hang_every: int | None = Field(None, ge=1, description="The device hangs on every n-th batch after its start.")


class TransformersSettings(_Section):
    """The model in this process, on PyTorch."""

    model: str = Field("Ostrakon/Ostrakon-VL-8B", min_length=1, description="Folder or hub name of a Qwen3-VL model.")
    device: str = Field("auto", description="auto (the GPU with the most free memory, else the CPU), cpu, mps, cuda:N.")
    dtype: Literal["bfloat16", "float32"] = Field("bfloat16", description="Number format of the model.")
    threads: int | None = Field(None, ge=1, description="Threads of PyTorch on the CPU; unset: one per core.")
    max_items: int = Field(32, ge=1, description="Maximum photos in one batch; fewer if memory is short.")
    max_tokens: int | None = Field(
        None, ge=1, description="Maximum visual tokens in one batch; unset: limited by memory."
    )
    max_pixels: int = Field(1280 * 1024, ge=256 * 256, description="Largest photo given to the model, in pixels.")
    max_prompt_tokens: int = Field(8192, ge=64, description="Longest prompt or conversation, in text tokens.")
    max_new_tokens: int = Field(2048, ge=1, description="Longest answer, in tokens; limits every task.")
    prefill_tokens: int = Field(8192, ge=1, description="Maximum prompt tokens in one prefill step.")
    photo_memory_bytes: int = Field(
        512 * 2**20, ge=0, description="Device memory for cached image features, in bytes; 0 turns the cache off."
    )
    constrained: bool = Field(True, description="Constrain each token of an answer to the task's JSON Schema.")


class OpenAISettings(_Section):
    """Model servers with the OpenAI chat protocol, for the engines `openai` and `vllm`."""

    urls: str = Field("", description="Base URLs, separated by commas, with an optional weight: http://gpu1:8000/v1*2.")
    api_key: SecretStr = Field(SecretStr(""), description="Bearer token for the servers; empty: none.")
    model: str = Field("", description="Model to request; empty: the first model in the server's list.")
    kind: Literal["auto", "vllm", "sglang", "lmdeploy", "llama.cpp", "pixel-agent", "plain"] = Field(
        "auto", description="Server software, which decides the extra request fields; auto: detected."
    )
    response_format: Literal["auto", "json_schema", "json_object", "off"] = Field(
        "auto", description="How to send the task's JSON Schema; auto: by the kind of server."
    )
    priority: bool = Field(True, description="Send the scan's priority to servers that support priorities.")
    max_in_flight: int = Field(64, ge=1, le=1024, description="Maximum concurrent requests per server.")
    max_pixels: int = Field(1280 * 1024, ge=64 * 1024, description="Largest photo sent to a server, in pixels.")
    jpeg_quality: int = Field(90, ge=1, le=100, description="JPEG quality of the photos sent to a server.")
    timeout_s: float = Field(50.0, gt=0, description="Timeout of one answer, including retries, in seconds.")
    connect_timeout_s: float = Field(2.0, gt=0, description="Timeout of a connection attempt, in seconds.")
    retries: int = Field(
        2, ge=0, description="Maximum retries of a scan after server failures; a full server does not count."
    )
    backoff_min_s: float = Field(0.1, gt=0, description="Delay after a server's first refusal or failure, in seconds.")
    backoff_max_s: float = Field(5.0, gt=0, description="Maximum delay after repeated failures, in seconds.")
    check_s: float = Field(2.0, gt=0, description="Interval of health checks, in seconds.")
    check_timeout_s: float = Field(2.0, gt=0, description="Timeout of a health check, in seconds.")
    eject_after: int = Field(3, ge=1, description="Consecutive failures after which a server gets no more requests.")
    start_wait_s: float = Field(
        30.0, ge=0, description="Longest wait for the first healthy server at start, in seconds."
    )
    lost_after_s: float = Field(
        5.0, ge=0, description="Time without a healthy server until the engine is not ready, in seconds."
    )


class VllmSettings(_Section):
    """`vllm serve`, started and supervised by the engine `vllm`, in a separate virtual environment."""

    executable: str = Field(
        "vllm", description="Path of the vllm program, usually bin/vllm in its own virtual environment."
    )
    model: str = Field("Ostrakon/Ostrakon-VL-8B", description="Name or folder of the model.")
    port: int = Field(0, ge=0, le=65535, description="Port on the loopback address; 0 picks a free one.")
    api_servers: int = Field(2, ge=1, description="Number of vLLM's HTTP processes, which also prepare photos.")
    max_queued: int = Field(256, ge=1, description="Maximum queued requests; vLLM refuses more with 503.")
    max_model_len: int = Field(8192, ge=1024, description="Longest prompt plus answer, in tokens.")
    gpu_memory_utilization: float = Field(0.9, gt=0, le=1, description="Fraction of the GPU's memory for vLLM.")
    args: str = Field("", description="Additional arguments, quoted as in a shell.")
    stop_timeout_s: float = Field(4.0, gt=0, description="Time to stop before vLLM is killed, in seconds.")
    log_lines: int = Field(40, ge=1, description="Log lines to show when vLLM fails.")


class ChatSettings(_Section):
    """The OpenAI-compatible chat API."""

    max_pixels: int = Field(1280 * 1024, ge=64 * 1024, description="Largest photo given to the engine, in pixels.")
    max_text: int = Field(32_768, ge=1, description="Maximum characters of text in a conversation.")
    default_tokens: int = Field(1024, ge=1, description="Maximum tokens of an answer if the request names no limit.")
    max_tokens: int = Field(2048, ge=1, description="Highest token limit that a request may set.")
    fetch: Literal["off", "public", "any"] = Field(
        "off",
        description="Photos by http(s) URL: off (refuse), public (fetch from public addresses), any (from every address).",
    )
    fetch_timeout_s: float = Field(5.0, gt=0, description="Timeout of fetching one photo, in seconds.")
    trust_user: bool = Field(
        False, description="Use the field `user` as the client's identity for fair sharing; only for trusted workers."
    )


class SchedulerSettings(_Section):
    """Dynamic batching of waiting scans."""

    max_items: int | None = Field(None, ge=1, description="Maximum scans in a batch; unset: the engine's limit.")
    max_tokens: int | None = Field(
        None, ge=1, description="Maximum visual tokens in a batch; unset: the engine's limit."
    )
    window_ms: float = Field(
        60.0, ge=0, description="Longest wait of an idle device for a fuller batch, in milliseconds."
    )
    ageing_s: float = Field(30.0, gt=0, description="Waiting time after which a scan counts as aged, in seconds.")
    aged_every: int = Field(4, ge=1, description="Every n-th batch starts with the oldest aged scan.")
    memory_reserve_bytes: int = Field(
        512 * 2**20, ge=0, description="Device memory that batches must leave free, in bytes."
    )
    memory_bytes_per_token: int = Field(
        256 * 2**10, ge=0, description="Device memory per visual token, in bytes; 0: batches ignore free memory."
    )
    foreign_utilisation: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Device utilisation by other processes (0-1) above which batches always wait for the whole window.",
    )


class PoolSettings(_Section):
    """Engine replicas and their failure handling."""

    replicas: int = Field(1, ge=1, description="Number of engine replicas.")
    start_timeout_s: float = Field(600.0, gt=0, description="Timeout of an engine's start, in seconds.")
    stop_timeout_s: float = Field(5.0, gt=0, description="Timeout of an engine's stop, in seconds.")
    hang_timeout_s: float = Field(
        60.0,
        gt=0,
        description="Minimum time without progress before a batch counts as hung, in seconds.",
    )
    hang_factor: float = Field(
        10.0, ge=1, description="A batch counts as hung after this multiple of its predicted duration."
    )
    restart_min_s: float = Field(0.2, gt=0, description="Delay before the first restart of an engine, in seconds.")
    restart_max_s: float = Field(30.0, gt=0, description="Maximum delay before a restart, in seconds.")
    failed_batches: int = Field(5, ge=1, description="Consecutive failed batches before a restart.")
    oom_memory_s: float = Field(
        60.0, ge=0, description="Duration of smaller batches after a replica ran out of memory, in seconds."
    )
    recovery_s: float = Field(
        30.0, ge=0, description="Longest wait of scans while no replica is available, in seconds."
    )


class AdmissionSettings(_Section):
    """Admission control: limits on scans, bytes and predicted response time."""

    max_scans: int = Field(2048, ge=1, description="Maximum scans in the service, waiting and running.")
    max_bytes: int = Field(2**30, ge=1, description="Maximum bytes of uploads in the service.")
    bulk_share: float = Field(0.9, gt=0, le=1, description="Fraction of both limits that bulk scans may use.")
    assumed_bytes: int = Field(2**20, ge=0, description="Assumed size of an upload without Content-Length, in bytes.")
    slo_ms: float | None = Field(
        None, ge=0, description="Response time to guarantee (SLO), in milliseconds; unset: the engine's, 0: none."
    )
    tolerance: float = Field(
        0.05, ge=0, description="Fraction by which a prediction may exceed the SLO before overload starts."
    )
    overload_target: float = Field(0.87, gt=0, le=1, description="Fraction of the SLO to aim at during overload.")
    overload_s: float = Field(1.0, ge=0, description="Duration of overload after the last refusal, in seconds.")
    max_retry_after_s: int = Field(60, ge=1, description="Maximum Retry-After, in seconds.")


class StoreSettings(_Section):
    """Database and photo files: location, limits and retention."""

    enabled: bool = Field(
        True, description="Record scans; without it there is no history, and no asynchronous scans or batches."
    )
    url: SecretStr = Field(
        SecretStr(""),
        description="Database URL, such as postgresql://user:password@host/name; empty: SQLite in the data folder.",
    )
    keep_photos: bool = Field(True, description="Also keep the photos of synchronous scans.")
    max_age_days: float | None = Field(
        None, gt=0, description="Maximum age of scans, in days; older scans are deleted."
    )
    max_age_days_by_task: dict[str, float] = Field({}, description="Maximum age by task id, in days; 0: never deleted.")
    max_photo_bytes: int | None = Field(
        20 * 2**30,
        gt=0,
        description="Maximum size of all photos, in bytes; above it the oldest photos are deleted, their readings stay.",
    )
    min_free_bytes: int = Field(
        256 * 2**20, ge=0, description="Minimum free disk space for accepting asynchronous scans, in bytes."
    )
    append_timeout_s: float = Field(
        0.25, gt=0, description="Longest wait of a synchronous answer for its journal entry, in seconds."
    )
    retry_s: float = Field(
        2.0, gt=0, description="Delay before the database is tried again after a failure, in seconds."
    )


class AsyncSettings(_Section):
    """Asynchronous scans."""

    in_flight: int | None = Field(
        None, ge=1, description="Maximum accepted scans running in one process; unset: two full batches of the engine."
    )
    lease_s: float = Field(
        15.0, gt=0, description="Duration of a lease without renewal, in seconds; then the scan is queued again."
    )
    max_attempts: int = Field(5, ge=1, description="Maximum attempts before a scan fails.")
    poll_s: float = Field(
        1.0, gt=0, description="Interval of polling for scans accepted by other processes, in seconds."
    )
    idempotency_hours: float = Field(24.0, gt=0, description="Lifetime of an Idempotency-Key, in hours.")


class BatchSettings(_Section):
    """Batches of photos."""

    max_photos: int = Field(5000, ge=1, description="Maximum photos in one batch.")
    max_request_bytes: int = Field(2**30, gt=0, description="Largest upload of one request to a batch, in bytes.")
    zip_max_ratio: float = Field(
        100.0, gt=1, description="Maximum decompression ratio; archives above it are rejected as zip bombs."
    )
    zip_max_bytes: int = Field(4 * 2**30, gt=0, description="Largest archive after decompression, in bytes.")


class ExportSettings(_Section):
    """Exported files and reports."""

    at_once: int = Field(2, ge=1, description="Maximum concurrent exports; more are refused with Retry-After.")
    report_scans: int = Field(200, ge=1, le=2000, description="Maximum scans in one report.")
    report_photos: int = Field(60, ge=0, le=500, description="Maximum photos in one report, about 0.2 MB each.")
    report_photo_side: int = Field(1200, ge=200, le=4096, description="Longer side of a report's photos, in pixels.")


class WebhookSettings(_Section):
    """Webhooks: notifications to other systems."""

    hosts: str = Field("", description="Allowed receiver hosts, separated by commas; *.example.com allows subdomains.")
    allow_private: bool = Field(
        False, description="Allow receivers at private and loopback addresses, also by plain http."
    )
    timeout_s: float = Field(10.0, gt=0, description="Timeout of one delivery, in seconds.")
    max_attempts: int = Field(12, ge=1, description="Maximum attempts before a delivery becomes a dead letter.")
    backoff_min_s: float = Field(1.0, gt=0, description="Delay after the first failed attempt, in seconds.")
    backoff_max_s: float = Field(3600.0, gt=0, description="Maximum delay after repeated failures, in seconds.")
    expire_hours: float = Field(
        72.0, gt=0, description="Maximum age of an undelivered event, in hours; then it becomes a dead letter."
    )
    keep_days: float = Field(30.0, gt=0, description="Retention of deliveries, including dead letters, in days.")


class Settings(_Section):
    """All settings of an operator."""

    engine: Literal["auto", "embedded", "transformers", "simulated", "openai", "vllm"] = Field(
        "auto", description="Engine that answers scans."
    )
    data_dir: Path | None = Field(
        None, description="Folder for the database and photos; unset: the user's data folder."
    )
    tasks_file: Path | None = Field(None, description="TOML file with custom tasks.")
    insecure: bool = Field(False, description="Allow non-loopback addresses although there are no API keys.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Lowest level of log lines to show."
    )
    server: ServerSettings = ServerSettings()
    photo: PhotoSettings = PhotoSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    cache: CacheSettings = CacheSettings()
    monitor: MonitorSettings = MonitorSettings()
    embedded: EmbeddedSettings = EmbeddedSettings()
    shop: ShopSettings = ShopSettings()
    transformers: TransformersSettings = TransformersSettings()
    openai: OpenAISettings = OpenAISettings()
    vllm: VllmSettings = VllmSettings()
    simulated: SimulatedSettings = SimulatedSettings()
    chat: ChatSettings = ChatSettings()
    scheduler: SchedulerSettings = SchedulerSettings()
    pool: PoolSettings = PoolSettings()
    admission: AdmissionSettings = AdmissionSettings()
    store: StoreSettings = StoreSettings()
    asynchronous: AsyncSettings = AsyncSettings()
    batches: BatchSettings = BatchSettings()
    exports: ExportSettings = ExportSettings()
    webhooks: WebhookSettings = WebhookSettings()


def load(overrides: Mapping[str, JsonValue] | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Merge file, environment and command line (`overrides`, nested as in the file) into checked settings.

    Raises ConfigurationError, which names the key, its source and the accepted values.
    """
    try:
        return Settings.model_validate(gather(overrides or {}, os.environ if environment is None else environment))
    except ValidationError as error:
        raise ConfigurationError(explain(error), "See docs/operations.md for every setting.") from None


def describe(settings: Settings) -> list[tuple[str, str, str]]:
    """List every setting as (name, current value, description), in the order of this file."""
    rows: list[tuple[str, str, str]] = []
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, _Section):
            for key, inner in type(value).model_fields.items():
                rows.append((f"{name}.{key}", _shown(getattr(value, key)), inner.description or ""))
        else:
            rows.append((name, _shown(value), field.description or ""))
    return rows


def _shown(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
