"""Errors of the client: problems of the server become the classes of `pixel_agent.core.errors`, by their code.

PixelAgentError
├── … every class of `pixel_agent.core.errors`, by the `code` of the problem
├── ServerProblem        the server's code has no class of its own
├── ServerUnreachable    no answer came
└── BadAnswer            the answer does not come from a Pixel Agent server
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel, ValidationError

from pixel_agent.core.errors import PixelAgentError, Refused


class ServerProblem(PixelAgentError):
    """A problem whose code this client does not know: from a newer server, or from a proxy."""

    def __init__(self, message: str, advice: str = "", *, status: int, code: str, title: str) -> None:
        super().__init__(message, advice)
        self.status = status  # type: ignore[misc]  # the class attribute is only the default
        self.code = code  # type: ignore[misc]
        self.title = title  # type: ignore[misc]


class ServerUnreachable(PixelAgentError):
    """No answer: the server is down, the address is wrong, or the network failed. Raised after the last retry."""

    status = 503
    code = "server_unreachable"
    title = "The server does not answer"


class BadAnswer(PixelAgentError):
    """The answer does not come from a Pixel Agent server; check the address."""

    status = 502
    code = "bad_answer"
    title = "The answer is not from Pixel Agent"


class _Problem(BaseModel):
    """A problem as it was received; missing fields are empty."""

    title: str = ""
    detail: str = ""
    code: str = ""
    advice: str = ""
    queue_length: int = 0
    estimated_wait_ms: int = 0


def error_of(status: int, body: bytes | str, retry_after_s: float | None = None) -> PixelAgentError:
    """The error in a response. `retry_after_s` is the value of its Retry-After header."""
    try:
        given = _Problem.model_validate_json(body)
    except ValidationError:
        given = _Problem()
    detail = given.detail or f"The server answered {status}."
    kind = _by_code(PixelAgentError).get(given.code)
    error: PixelAgentError
    if kind is not None and issubclass(kind, Refused):
        error = kind(detail, given.advice, queue_length=given.queue_length, wait_s=given.estimated_wait_ms / 1000)
    elif kind is not None:
        error = kind(detail, given.advice)
    else:
        code = given.code or f"http_{status}"
        error = ServerProblem(detail, given.advice, status=status, code=code, title=given.title or f"HTTP {status}")
    if retry_after_s is not None:
        error.retry_after_s = retry_after_s
    return error


def first_of(group: ExceptionGroup[Exception]) -> Exception:
    """The first error of concurrent tasks, which is raised to the caller."""
    error: Exception = group
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def _by_code(root: type[PixelAgentError]) -> dict[str, type[PixelAgentError]]:
    known = {kind.code: kind for kind in _below(root) if kind is not ServerProblem}
    return {root.code: root, **known}


def _below(root: type[PixelAgentError]) -> Iterator[type[PixelAgentError]]:
    """Every subclass that has its own code."""
    for kind in root.__subclasses__():
        if "code" in vars(kind):
            yield kind
        yield from _below(kind)
