"""Every error that a caller can get. Each class owns its HTTP status and its stable code.

PixelAgentError                      500 internal
├── InvalidRequest                   400 invalid_request
│   ├── UnknownTask                  400 unknown_task
│   ├── UnknownModel                 404 model_not_found
│   ├── TaskUnsupported              422 task_unsupported
│   ├── TooManyPhotos                400 too_many_photos
│   ├── FileUnreadable               400 file_unreadable
│   ├── UploadTooSlow                408 upload_too_slow
│   ├── NotFound                     404 not_found
│   │   └── PhotoGone                404 photo_gone
│   ├── Conflict                     409 conflict
│   ├── ForeignPage                  403 foreign_page
│   ├── HostNotAllowed               421 host_not_allowed
│   ├── UnsupportedContent           415 content_unsupported
│   ├── IdempotencyMismatch          422 idempotency_mismatch
│   ├── BadArchive                   422 archive_bad
│   └── InvalidPhoto                 422 photo_broken
│       ├── EmptyPhoto               400 photo_empty
│       ├── UnsupportedPhoto         415 photo_type_unsupported
│       ├── UnsupportedPacking       415 packing_unsupported
│       ├── PhotoTooLarge            413 photo_too_large
│       └── PhotoTooManyPixels       413 photo_too_many_pixels
├── Refused                          503 overloaded        (carries retry_after_s)
│   ├── QueueFull                    503 queue_full
│   ├── DeadlineUnreachable          503 deadline_unreachable
│   └── Draining                     503 draining
├── DeadlineExceeded                 504 deadline_exceeded
├── ScanCancelled                    499 cancelled
├── StoreError                       500 store_failed
│   ├── StoreUnavailable             503 store_unavailable
│   └── StoreFull                    507 store_full
├── ConfigurationError               500 configuration
└── EngineError                      502 engine_failed
    ├── EngineUnavailable            503 engine_unavailable
    ├── OutOfMemory                  503 out_of_memory
    └── ReplicaLost                  503 replica_lost
"""

from __future__ import annotations

from typing import ClassVar


class PixelAgentError(Exception):
    """The root. `message` says what was wrong, `advice` what to do, `retry_after_s` when to try again."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong here"
    retry_after_s: float | None = None

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


class InvalidRequest(PixelAgentError):
    """The request itself is wrong; sending it again unchanged fails again."""

    status = 400
    code = "invalid_request"
    title = "The request is not valid"


class UnknownTask(InvalidRequest):
    """No task has this id or name."""

    code = "unknown_task"
    title = "There is no such task"


class UnknownModel(InvalidRequest):
    """No model of this name answers here."""

    status = 404
    code = "model_not_found"
    title = "There is no such model"


class TaskUnsupported(InvalidRequest):
    """The engine in use cannot answer this task."""

    status = 422
    code = "task_unsupported"
    title = "This engine cannot answer the task"


class TooManyPhotos(InvalidRequest):
    """More or fewer photos than the task or a request takes."""

    code = "too_many_photos"
    title = "Wrong number of photos"


class FileUnreadable(InvalidRequest):
    """A file on this machine cannot be read."""

    code = "file_unreadable"
    title = "The file cannot be read"


class UploadTooSlow(InvalidRequest):
    """The upload stopped or was too slow for longer than the settings allow."""

    status = 408
    code = "upload_too_slow"
    title = "The upload took too long"


class NotFound(InvalidRequest):
    """No object has this id, or it was deleted."""

    status = 404
    code = "not_found"
    title = "There is nothing here"


class PhotoGone(NotFound):
    """The scan exists but its photo does not: it was never stored, or deleted to free space."""

    code = "photo_gone"
    title = "The photo is not there any more"


class Conflict(InvalidRequest):
    """The request does not fit the current state of the object."""

    status = 409
    code = "conflict"
    title = "This cannot be done now"


class ForeignPage(InvalidRequest):
    """A web page of another origin sent the request through a browser."""

    status = 403
    code = "foreign_page"
    title = "Requests from foreign pages are refused"


class HostNotAllowed(InvalidRequest):
    """The Host header names another server."""

    status = 421
    code = "host_not_allowed"
    title = "This server does not have that name"


class UnsupportedContent(InvalidRequest):
    """The body has a type or an encoding that is not accepted here."""

    status = 415
    code = "content_unsupported"
    title = "This form of a body is not accepted"


class IdempotencyMismatch(InvalidRequest):
    """The Idempotency-Key was used before, for another request."""

    status = 422
    code = "idempotency_mismatch"
    title = "The Idempotency-Key belongs to another request"


class BadArchive(InvalidRequest):
    """The archive is broken, contains no photo, or exceeds the limits when it is unpacked."""

    status = 422
    code = "archive_bad"
    title = "The archive cannot be taken"


class InvalidPhoto(InvalidRequest):
    """The bytes start like a photo but cannot be decoded."""

    status = 422
    code = "photo_broken"
    title = "The photo cannot be decoded"


class EmptyPhoto(InvalidPhoto):
    """The upload has no bytes."""

    status = 400
    code = "photo_empty"
    title = "The photo is empty"


class UnsupportedPhoto(InvalidPhoto):
    """The bytes are not one of the accepted photo types."""

    status = 415
    code = "photo_type_unsupported"
    title = "This is not a photo of an accepted type"


class UnsupportedPacking(InvalidPhoto):
    """A photo in an archive uses an unsupported compression method."""

    status = 415
    code = "packing_unsupported"
    title = "The packing of this file in the archive is not supported"


class PhotoTooLarge(InvalidPhoto):
    """More bytes than the limit."""

    status = 413
    code = "photo_too_large"
    title = "The photo has too many bytes"


class PhotoTooManyPixels(InvalidPhoto):
    """More pixels than the limit."""

    status = 413
    code = "photo_too_many_pixels"
    title = "The photo has too many pixels"


class Refused(PixelAgentError):
    """Not accepted now. `retry_after_s` is when to try again; `queue_length` and `wait_s` say why."""

    status = 503
    code = "overloaded"
    title = "Too busy right now"

    def __init__(
        self, message: str, advice: str = "", *, retry_after_s: float = 1.0, queue_length: int = 0, wait_s: float = 0.0
    ) -> None:
        super().__init__(message, advice)
        self.retry_after_s = retry_after_s
        self.queue_length = queue_length
        self.wait_s = wait_s


class QueueFull(Refused):
    """The number of scans or bytes inside has reached its limit in the settings."""

    code = "queue_full"
    title = "The queue is full"


class DeadlineUnreachable(Refused):
    """The predicted wait exceeds the deadline."""

    code = "deadline_unreachable"
    title = "The deadline cannot be met"


class Draining(Refused):
    """The server is stopping and accepts no new requests."""

    code = "draining"
    title = "The server is stopping"


class DeadlineExceeded(PixelAgentError):
    """The deadline passed while the scan waited or ran."""

    status = 504
    code = "deadline_exceeded"
    title = "The deadline passed"


class ScanCancelled(PixelAgentError):
    """The caller left or cancelled."""

    status = 499
    code = "cancelled"
    title = "The scan was cancelled"


class StoreError(PixelAgentError):
    """Records or photos could not be stored or found."""

    code = "store_failed"
    title = "The store failed"


class StoreUnavailable(StoreError):
    """The database or the data folder cannot be used now; the server retries automatically."""

    status = 503
    code = "store_unavailable"
    title = "The store is not available"
    retry_after_s = 2.0


class StoreFull(StoreError):
    """The disk has no space left for records or photos."""

    status = 507
    code = "store_full"
    title = "The disk is full"
    retry_after_s = 30.0


class ConfigurationError(PixelAgentError):
    """A setting or a file of the operator is wrong; the process does not start."""

    code = "configuration"
    title = "The configuration is not valid"


class EngineError(PixelAgentError):
    """The engine failed on this scan."""

    status = 502
    code = "engine_failed"
    title = "The engine failed"


class EngineUnavailable(EngineError):
    """The engine is not ready: loading, missing or down."""

    status = 503
    code = "engine_unavailable"
    title = "The engine is not ready"


class OutOfMemory(EngineError):
    """The device had too little memory for the batch; the pool splits it and tries again."""

    status = 503
    code = "out_of_memory"
    title = "The device ran out of memory"


class ReplicaLost(EngineError):
    """The replica that ran the scan failed or hung, twice."""

    status = 503
    code = "replica_lost"
    title = "The engine died while it ran the scan"
