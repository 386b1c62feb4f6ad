"""Settings, one class a stage: each with its default, its unit and its description. An unknown one is an error.

Where values come from, and which of them wins, stands in `config_sources.py`. This is the only module that reads the
environment.
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
    """Where the HTTP service listens."""

    host: str = Field("127.0.0.1", description="Address to bind to.")
    port: int = Field(8000, ge=0, le=65535, description="Port to bind to; 0 picks a free one.")
    max_header_bytes: int = Field(65_536, ge=1024, description="Largest head of a request, in bytes.")
    head_timeout_s: float = Field(10.0, gt=0, description="Longest time for the head of a request, in seconds.")
    max_connections: int = Field(4096, ge=1, description="Most open connections.")
    max_client_connections: int = Field(
        1024, ge=1, description="Most open connections from one address; trusted proxies have no such limit."
    )
    upload_max_s: float = Field(
        300.0, gt=0, description="Longest upload, in seconds; a larger one has to come faster in proportion."
    )
    upload_grace_s: float = Field(10.0, gt=0, description="How long an upload may stand still, in seconds.")
    upload_min_bytes_per_s: int = Field(
        8192, ge=1, description="Slowest upload that is waited for beyond the grace, in bytes a second on average."
    )
    allowed_hosts: str = Field(
        "",
        description="Other names of this server in the Host header, separated by commas; *.example.com takes subdomains, * any.",
    )
    trusted_proxies: str = Field(
        "", description="Addresses or networks of proxies whose X-Forwarded-For is believed, separated by commas."
    )
    drain_timeout_s: float = Field(30.0, ge=0, description="How long a stopping server finishes what runs.")


_OLD_PHOTO_NAMES = {"max_threads": "processes", "heic_threads": "heic_processes"}


class PhotoSettings(_Section):
    """Limits and quality gate of the photo stage."""

    max_bytes: int = Field(20 * 2**20, gt=0, description="Largest upload of one photo, in bytes.")
    max_pixels: int = Field(50_000_000, gt=0, description="Largest photo, in pixels, checked before decoding.")
    max_photos: int = Field(8, ge=1, le=8, description="Most photos in one request.")
    max_decoded_bytes: int = Field(
        256 * 2**20, gt=0, description="Largest photo as its codec decodes it, in bytes, checked before decoding."
    )
    processes: int | None = Field(
        None,
        ge=0,
        description="Processes that decode photos; unset: one less than the cores. 0: threads of the server, for tests only.",
    )
    heic_processes: int = Field(
        1, ge=1, description="Most of these processes that HEIC and AVIF may take, slow as they are."
    )
    decoder_memory_bytes: int = Field(
        2**30,
        ge=2**28,
        description="Memory of one decoding process, in bytes (Linux); a photo that takes more is refused.",
    )
    decode_timeout_s: float = Field(
        10.0, gt=0, description="Longest decoding of one photo, in seconds; a photo that takes longer is refused."
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
    """Barcodes and QR codes, read on the CPU beside the device."""

    threads: int = Field(1, ge=1, description="Threads that read codes.")
    grace_s: float = Field(1.0, ge=0, description="How long an answer of the engine waits for codes, in seconds.")
    first_pixels: int = Field(1_300_000, gt=0, description="Resolution of the first look, in pixels.")


class MonitorSettings(_Section):
    """Watching the machine and its GPUs."""

    interval_s: float = Field(1.0, gt=0, description="Time between two looks, in seconds.")


class CacheSettings(_Section):
    """Answers shared between identical scans."""

    ttl_s: float = Field(300.0, ge=0, description="How long a finished answer is reused, in seconds; 0 turns it off.")
    max_bytes: int = Field(32 * 2**20, ge=0, description="Memory for finished answers, in bytes.")


class EmbeddedSettings(_Section):
    """The engine that needs no GPU: text reading on ONNX Runtime, and rules."""

    threads: int = Field(2, ge=1, description="Threads of ONNX Runtime, all sessions together.")
    max_items: int = Field(4, ge=1, description="Most photos in one batch.")
    max_pixels: int = Field(1600 * 1200, ge=64 * 1024, description="Resolution at which text is read, in pixels.")
    min_confidence: float = Field(0.7, ge=0, le=1, description="Lines that the reader trusts less (0-1) are dropped.")


class ShopSettings(_Section):
    """What is true of the shop that sends the photos."""

    currency: str | None = Field(
        None,
        pattern=r"^[A-Z]{3}$",
        description="ISO 4217 code for prices on which no sign and no word tells the currency.",
    )


class SimulatedSettings(_Section):
    """The simulated device: t = base + per_item·n + per_token·tokens, one batch at a time, with scripted faults."""

    base_ms: float = Field(117.0, ge=0, description="Time of an empty batch, in milliseconds.")
    per_item_ms: float = Field(8.0, ge=0, description="Time added by each item, in milliseconds.")
    per_token_ms: float = Field(0.0, ge=0, description="Time added by each visual token, in milliseconds.")
    max_items: int = Field(16, ge=1, description="Most items in one batch.")
    max_tokens: int = Field(1_000_000, ge=1, description="Most visual tokens in one batch.")
    slo_ms: float | None = Field(1000.0, gt=0, description="Response time that it promises, in milliseconds.")
    start_ms: float = Field(0.0, ge=0, description="Time to start, in milliseconds.")
    jitter: float = Field(0.0, ge=0, lt=1, description="Relative standard deviation of a batch's time.")
    seed: int = Field(0, description="Seed of jitter and of crashes by chance.")
    pieces: int = Field(
        0, ge=0, description="Pieces that an answer is told in while the batch runs; 0: whole, at its end."
    )
    oom_above_items: int | None = Field(None, ge=0, description="Batches of more items run out of memory.")
    poison: str = Field("", description="A batch with an upload that contains these bytes (UTF-8) fails; empty: off.")
    crash_every: int | None = Field(None, ge=1, description="The device dies on every n-th batch since its start.")
    crash_probability: float = Field(0.0, ge=0, le=1, description="Chance that the device dies on a batch.")
    hang_every: int | None = Field(None, ge=1, description="The device hangs on every n-th batch since its start.")


class TransformersSettings(_Section):
    """The model in this process, on PyTorch."""

    model: str = Field(
        "Ostrakon/Ostrakon-VL-8B", min_length=1, description="A Qwen3-VL model: its folder, or its name on the hub."
    )
    device: str = Field("auto", description="auto (the GPU with the most free memory, else the CPU), cpu, mps, cuda:N.")
    dtype: Literal["bfloat16", "float32"] = Field("bfloat16", description="Numbers that the model computes with.")
    threads: int | None = Field(None, ge=1, description="Threads of PyTorch on the CPU; unset: one a core.")
    max_items: int = Field(32, ge=1, description="Most photos in one batch; less where memory is short.")
    max_tokens: int | None = Field(None, ge=1, description="Most visual tokens in a batch; unset: what memory allows.")
    max_pixels: int = Field(1280 * 1024, ge=256 * 256, description="Largest photo that the model sees, in pixels.")
    max_prompt_tokens: int = Field(8192, ge=64, description="Longest prompt or conversation, in tokens of text.")
    max_new_tokens: int = Field(2048, ge=1, description="Longest answer of any task, in tokens.")
    prefill_tokens: int = Field(8192, ge=1, description="Most prompt tokens that are read at once, in tokens.")
    photo_memory_bytes: int = Field(
        512 * 2**20, ge=0, description="Device memory for what photos looked like, in bytes; 0 turns it off."
    )
    constrained: bool = Field(True, description="Let answers follow the task's JSON Schema, token by token.")


class OpenAISettings(_Section):
    """Servers that speak the OpenAI chat protocol and run the model: the engines `openai` and `vllm`."""

    urls: str = Field(
        "", description="Base URLs, separated by commas, each with a weight if wanted: http://gpu1:8000/v1*2."
    )
    api_key: SecretStr = Field(SecretStr(""), description="Sent to the servers as a bearer token; empty: none.")
    model: str = Field("", description="Model to ask for; empty: the first that a server lists.")
    kind: Literal["auto", "vllm", "sglang", "lmdeploy", "llama.cpp", "pixel-agent", "plain"] = Field(
        "auto", description="Kind of server, which decides what is sent beside the messages; auto: asked for."
    )
    response_format: Literal["auto", "json_schema", "json_object", "off"] = Field(
        "auto", description="How the task's schema is sent; auto: as the kind of server takes it."
    )
    priority: bool = Field(True, description="Pass a scan's priority on to servers that know priorities.")
    max_in_flight: int = Field(64, ge=1, le=1024, description="Most requests that one server is given at once.")
    max_pixels: int = Field(1280 * 1024, ge=64 * 1024, description="Largest photo that is sent, in pixels.")
    jpeg_quality: int = Field(90, ge=1, le=100, description="JPEG quality of the photo that is sent.")
    timeout_s: float = Field(50.0, gt=0, description="Longest time for one answer, retries included, in seconds.")
    connect_timeout_s: float = Field(2.0, gt=0, description="Longest time to connect, in seconds.")
    retries: int = Field(2, ge=0, description="Failures of servers that one scan outlives; being full is no failure.")
    backoff_min_s: float = Field(0.1, gt=0, description="Pause after a server's first refusal or failure, in seconds.")
    backoff_max_s: float = Field(5.0, gt=0, description="Longest such pause, in seconds.")
    check_s: float = Field(2.0, gt=0, description="Time between two health checks of a server, in seconds.")
    check_timeout_s: float = Field(2.0, gt=0, description="Longest health check, in seconds.")
    eject_after: int = Field(3, ge=1, description="Failures in a row after which a server gets no more requests.")
    start_wait_s: float = Field(30.0, ge=0, description="How long a start waits for the first server, in seconds.")
    lost_after_s: float = Field(
        5.0, ge=0, description="After this time without any healthy server the engine is not ready, in seconds."
    )


class VllmSettings(_Section):
    """`vllm serve`, started and watched by the engine `vllm`. It lives in an environment of its own."""

    executable: str = Field("vllm", description="The vllm program, usually bin/vllm of its own virtual environment.")
    model: str = Field("Ostrakon/Ostrakon-VL-8B", description="Name or folder of the model.")
    port: int = Field(0, ge=0, le=65535, description="Port on the loopback address; 0 picks a free one.")
    api_servers: int = Field(2, ge=1, description="Processes that prepare photos and answer HTTP.")
    max_queued: int = Field(256, ge=1, description="Requests that wait inside before it says that it is full.")
    max_model_len: int = Field(8192, ge=1024, description="Longest prompt and answer together, in tokens.")
    gpu_memory_utilization: float = Field(0.9, gt=0, le=1, description="Part of the GPU's memory that it takes.")
    args: str = Field("", description="More arguments, quoted as in a shell.")
    stop_timeout_s: float = Field(
        4.0, gt=0, description="How long it may take to stop before it is killed, in seconds."
    )
    log_lines: int = Field(40, ge=1, description="Latest lines of its log that are shown when it fails.")


class ChatSettings(_Section):
    """The OpenAI chat protocol in front of the engine."""

    max_pixels: int = Field(1280 * 1024, ge=64 * 1024, description="Resolution that a photo is prepared at, in pixels.")
    max_text: int = Field(32_768, ge=1, description="Most characters of text in a conversation.")
    default_tokens: int = Field(1024, ge=1, description="Most tokens of an answer, where the request does not say.")
    max_tokens: int = Field(2048, ge=1, description="Most tokens of an answer that a request may ask for.")
    fetch: Literal["off", "public", "any"] = Field(
        "off", description="Photos given as http(s) URLs: refused, fetched from public addresses, or from anywhere."
    )
    fetch_timeout_s: float = Field(5.0, gt=0, description="Longest fetch of one photo, in seconds.")
    trust_user: bool = Field(
        False, description="Whether the field `user` tells clients apart, for a fair share; for our own workers only."
    )


class SchedulerSettings(_Section):
    """Which waiting scans run together, where, and when."""

    max_items: int | None = Field(None, ge=1, description="Most scans in a batch; unset: the engine's own limit.")
    max_tokens: int | None = Field(None, ge=1, description="Most visual tokens in a batch; unset: the engine's limit.")
    window_ms: float = Field(
        60.0, ge=0, description="Longest wait of an idle device for a fuller batch that is worth it, in milliseconds."
    )
    ageing_s: float = Field(30.0, gt=0, description="After this wait a scan counts as aged, in seconds.")
    aged_every: int = Field(4, ge=1, description="Every n-th batch is led by the scan that has aged longest.")
    memory_reserve_bytes: int = Field(512 * 2**20, ge=0, description="Device memory that batches leave free, in bytes.")
    memory_bytes_per_token: int = Field(
        256 * 2**10, ge=0, description="Device memory that a visual token takes, in bytes; 0: memory is not looked at."
    )
    foreign_utilisation: float = Field(
        0.5, ge=0, le=1, description="Use of the device by others (0-1) from which the window is always spent."
    )


class PoolSettings(_Section):
    """Replicas of the engine, and what happens when one fails."""

    replicas: int = Field(1, ge=1, description="Engines that run side by side.")
    start_timeout_s: float = Field(600.0, gt=0, description="Longest start of an engine, in seconds.")
    stop_timeout_s: float = Field(5.0, gt=0, description="Longest stop of an engine, in seconds.")
    hang_timeout_s: float = Field(
        60.0,
        gt=0,
        description="A batch is never taken for hung before this, nor that long after its last step, in seconds.",
    )
    hang_factor: float = Field(10.0, ge=1, description="A batch hangs after this many times its predicted time.")
    restart_min_s: float = Field(0.2, gt=0, description="Wait before the first restart of an engine, in seconds.")
    restart_max_s: float = Field(30.0, gt=0, description="Longest wait before a restart, in seconds.")
    failed_batches: int = Field(5, ge=1, description="Batches in a row that fail entirely before a restart.")
    oom_memory_s: float = Field(60.0, ge=0, description="How long a replica keeps smaller batches after running out.")
    recovery_s: float = Field(30.0, ge=0, description="How long scans wait while no replica is up, in seconds.")


class AdmissionSettings(_Section):
    """Who may come in, so that nobody waits in vain."""

    max_scans: int = Field(2048, ge=1, description="Most scans inside, waiting and running.")
    max_bytes: int = Field(2**30, ge=1, description="Most bytes of uploads inside.")
    bulk_share: float = Field(0.9, gt=0, le=1, description="Part of both bounds that bulk scans may fill.")
    assumed_bytes: int = Field(
        2**20, ge=0, description="Size taken for an upload that does not tell its own, in bytes."
    )
    slo_ms: float | None = Field(
        None, ge=0, description="Response time to defend, in milliseconds; unset: the engine's own, 0: none."
    )
    tolerance: float = Field(
        0.05, ge=0, description="What a prediction may pass the response time by, before overload."
    )
    overload_target: float = Field(
        0.87, gt=0, le=1, description="Part of the response time that is aimed at while scans are being refused."
    )
    overload_s: float = Field(1.0, ge=0, description="How long after a refusal the overload lasts, in seconds.")
    max_retry_after_s: int = Field(60, ge=1, description="Longest Retry-After, in seconds.")


class StoreSettings(_Section):
    """Records and photos of scans: what is kept, where, and for how long."""

    enabled: bool = Field(True, description="Keep scans; without it there is no history, and nothing asynchronous.")
    url: SecretStr = Field(
        SecretStr(""), description="Database: postgresql://user:password@host/name; empty: SQLite in the data folder."
    )
    keep_photos: bool = Field(True, description="Keep the photos of synchronous scans too.")
    max_age_days: float | None = Field(None, gt=0, description="Scans older than this are deleted, in days.")
    max_age_days_by_task: dict[str, float] = Field(
        {}, description="The same for single tasks, by their id, in days; 0 keeps them for ever."
    )
    max_photo_bytes: int | None = Field(
        20 * 2**30, gt=0, description="When photos take more, the oldest are deleted and their readings stay, in bytes."
    )
    min_free_bytes: int = Field(
        256 * 2**20, ge=0, description="Free disk below which nothing new is accepted to be scanned later, in bytes."
    )
    append_timeout_s: float = Field(
        0.25, gt=0, description="How long a synchronous answer waits for its record in the journal, in seconds."
    )
    retry_s: float = Field(2.0, gt=0, description="Pause before the store is tried again after a failure, in seconds.")


class AsyncSettings(_Section):
    """Scans that are accepted now and run later."""

    in_flight: int | None = Field(
        None, ge=1, description="Accepted scans that one process runs at once; unset: two full batches of the engine."
    )
    lease_s: float = Field(
        15.0, gt=0, description="After this time without a sign of life, a scan is given back, in seconds."
    )
    max_attempts: int = Field(5, ge=1, description="Times that a scan is begun before it fails for good.")
    poll_s: float = Field(1.0, gt=0, description="Time between two looks for the scans of other processes, in seconds.")
    idempotency_hours: float = Field(24.0, gt=0, description="How long an Idempotency-Key is remembered, in hours.")


class BatchSettings(_Section):
    """Many photos at once."""

    max_photos: int = Field(5000, ge=1, description="Most photos in one batch.")
    max_request_bytes: int = Field(2**30, gt=0, description="Largest upload of one request to a batch, in bytes.")
    zip_max_ratio: float = Field(
        100.0, gt=1, description="Most that an archive may grow by when it is unpacked; more is taken for a bomb."
    )
    zip_max_bytes: int = Field(4 * 2**30, gt=0, description="Largest archive when it is unpacked, in bytes.")


class ExportSettings(_Section):
    """Files that people take away."""

    at_once: int = Field(2, ge=1, description="Exports that run at the same time; more are told to come back.")
    report_scans: int = Field(200, ge=1, le=2000, description="Most scans in one report.")
    report_photos: int = Field(60, ge=0, le=500, description="Most photos in one report, about 0.2 MB each.")
    report_photo_side: int = Field(1200, ge=200, le=4096, description="Longer side of a report's photos, in pixels.")


class WebhookSettings(_Section):
    """Telling other systems what happened."""

    hosts: str = Field("", description="Hosts that may be told, separated by commas; *.example.com takes subdomains.")
    allow_private: bool = Field(False, description="Allow private and loopback addresses, and plain http to them.")
    timeout_s: float = Field(10.0, gt=0, description="Longest delivery, in seconds.")
    max_attempts: int = Field(12, ge=1, description="Deliveries tried before an event goes to the dead letters.")
    backoff_min_s: float = Field(1.0, gt=0, description="Pause after the first failed delivery, in seconds.")
    backoff_max_s: float = Field(3600.0, gt=0, description="Longest such pause, in seconds.")
    expire_hours: float = Field(
        72.0, gt=0, description="An event that could not be delivered for so long goes to the dead letters, in hours."
    )
    keep_days: float = Field(
        30.0, gt=0, description="How long the list of deliveries, dead letters included, is kept, in days."
    )


class Settings(_Section):
    """Everything an operator can set."""

    engine: Literal["auto", "embedded", "transformers", "simulated", "openai", "vllm"] = Field(
        "auto", description="Which engine answers."
    )
    data_dir: Path | None = Field(None, description="Folder for what is kept; unset: the user's data folder.")
    tasks_file: Path | None = Field(None, description="File with the operator's own tasks (TOML).")
    insecure: bool = Field(False, description="Allow to listen beyond this machine without API keys.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe log line shown.")
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

    Raises ConfigurationError that names the key, where it came from and what is accepted.
    """
    try:
        return Settings.model_validate(gather(overrides or {}, os.environ if environment is None else environment))
    except ValidationError as error:
        raise ConfigurationError(explain(error), "See docs/operations.md for every setting.") from None


def describe(settings: Settings) -> list[tuple[str, str, str]]:
    """Every setting as (name, value in force, description), in the order of this file."""
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
