"""The blocking client: the methods of `AsyncClient`, run on a separate thread."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator
from contextlib import ExitStack
from functools import partial, wraps
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar
from weakref import finalize

from anyio.from_thread import start_blocking_portal

from pixel_agent.client.aio import DEFAULT_URL, AsyncClient
from pixel_agent.client.transport import Retries

P = ParamSpec("P")
T = TypeVar("T")


def _blocking(
    method: Callable[Concatenate[AsyncClient, P], Coroutine[object, object, T]],
) -> Callable[Concatenate[Client, P], T]:
    """Wrap a coroutine method as a blocking one."""

    @wraps(method)
    def wait(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._call(partial(method, self._client, *args, **kwargs))

    return wait


def _iterating(
    method: Callable[Concatenate[AsyncClient, P], AsyncGenerator[T, None]],
) -> Callable[Concatenate[Client, P], Iterator[T]]:
    """Wrap an asynchronous generator method as an iterator."""

    @wraps(method)
    def iterate(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        source = method(self._client, *args, **kwargs)
        try:
            while (found := self._call(partial(_next, source))) is not None:
                yield found[0]
        finally:
            self._call(source.aclose)

    return iterate


class Client:
    """Client of one server; close it, or use it in `with`. Several threads can use it at once.

    See `AsyncClient` for what its methods return and raise.
    """

    def __init__(
        self, base_url: str = DEFAULT_URL, *, timeout_s: float = 120.0, retries: Retries | None = None
    ) -> None:
        self._client = AsyncClient(base_url, timeout_s=timeout_s, retries=retries)
        leave = ExitStack()
        self._portal = leave.enter_context(start_blocking_portal())
        # Also at exit, before the thread stops: an unclosed client must not block the exit.
        self._leave = finalize(self, leave.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections, and stop the thread."""
        if self._leave.alive:
            self._call(self._client.close)
            self._leave()

    def _call(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run it to its end on the client's thread; an interruption here cancels it there."""
        if not self._leave.alive:
            raise RuntimeError("The client is closed.")
        future = self._portal.start_task_soon(work)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    scan = _blocking(AsyncClient.scan)
    scan_pair = _blocking(AsyncClient.scan_pair)
    stream = _iterating(AsyncClient.stream)
    scan_later = _blocking(AsyncClient.scan_later)
    wait = _blocking(AsyncClient.wait)

    batch = _blocking(AsyncClient.batch)
    follow_batch = _iterating(AsyncClient.follow_batch)
    get_batch = _blocking(AsyncClient.get_batch)
    batches = _iterating(AsyncClient.batches)
    cancel_batch = _blocking(AsyncClient.cancel_batch)
    retry_batch = _blocking(AsyncClient.retry_batch)

    get = _blocking(AsyncClient.get)
    history = _iterating(AsyncClient.history)
    delete = _blocking(AsyncClient.delete)
    cancel = _blocking(AsyncClient.cancel)
    rerun = _blocking(AsyncClient.rerun)
    photo = _blocking(AsyncClient.photo)
    thumbnail = _blocking(AsyncClient.thumbnail)
    annotated = _blocking(AsyncClient.annotated)
    review = _blocking(AsyncClient.review)
    undo_review = _blocking(AsyncClient.undo_review)
    compare = _blocking(AsyncClient.compare)
    export = _blocking(AsyncClient.export)
    tasks = _blocking(AsyncClient.tasks)
    task = _blocking(AsyncClient.task)

    create_webhook = _blocking(AsyncClient.create_webhook)
    webhooks = _blocking(AsyncClient.webhooks)
    delete_webhook = _blocking(AsyncClient.delete_webhook)
    test_webhook = _blocking(AsyncClient.test_webhook)
    deliveries = _iterating(AsyncClient.deliveries)
    retry_delivery = _blocking(AsyncClient.retry_delivery)


async def _next(source: AsyncGenerator[T, None]) -> tuple[T] | None:
    """The next value in a tuple of one; None at the end."""
    try:
        return (await anext(source),)
    except StopAsyncIteration:
        return None
