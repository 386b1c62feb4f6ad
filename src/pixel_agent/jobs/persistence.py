"""Groups the storage and its background jobs into one optional part of the service."""

from __future__ import annotations

from pixel_agent.core.settings import Settings
from pixel_agent.jobs.execution import ScanRunner
from pixel_agent.jobs.ingest import Ingest
from pixel_agent.jobs.recorder import Recorder
from pixel_agent.jobs.webhooks.dispatcher import WebhookSender
from pixel_agent.jobs.worker import Worker
from pixel_agent.photo.stage import PhotoStage
from pixel_agent.storage.store import Store


class Persistence:
    """The storage and its writers. `start` and `stop` own their tasks; one event loop owns it.

    `recorder` records synchronous scans, `ingest` accepts scans for later, `worker` runs them, `webhooks` sends events.
    """

    def __init__(self, storage: Store, runner: ScanRunner, settings: Settings, photos: PhotoStage) -> None:
        self.storage = storage
        self.recorder = Recorder(storage)
        self.ingest = Ingest(storage, photos)
        self.worker = Worker(storage, runner, settings)
        self.webhooks = WebhookSender(storage.db, settings.webhooks, storage.notifier)

    async def start(self) -> None:
        """Open the storage and start all tasks. If the storage is down, it is retried in the background."""
        await self.storage.open()
        self.recorder.start()
        self.worker.start()
        self.webhooks.start()

    async def stop(self) -> None:
        """Write the last records, and stop. Stop the worker before: it needs the engine, these parts do not."""
        await self.recorder.stop()
        await self.webhooks.stop()
        await self.storage.close()
