"""The client of Pixel Agent's HTTP service, in two forms with the same methods: `Client` and `AsyncClient`.

```python
from pixel_agent.client import Client

with Client("http://127.0.0.1:8000") as agent:
    reading = agent.scan("shelf.jpg", task="price_tag")
```

The import loads neither the service nor any image or model library.
"""

from pixel_agent.client.aio import AsyncClient
from pixel_agent.client.events import Done, Queued, ScanEvent, Stage, TextPiece
from pixel_agent.client.failures import BadAnswer, ServerProblem, ServerUnreachable
from pixel_agent.client.photos import PhotoSource
from pixel_agent.client.receiving import WebhookEvent, WebhookRefused, verify_webhook
from pixel_agent.client.sync import Client
from pixel_agent.client.transport import Retries
from pixel_agent.core.envelope import Envelope
from pixel_agent.core.errors import PixelAgentError

__all__ = [
    "AsyncClient",
    "BadAnswer",
    "Client",
    "Done",
    "Envelope",
    "PhotoSource",
    "PixelAgentError",
    "Queued",
    "Retries",
    "ScanEvent",
    "ServerProblem",
    "ServerUnreachable",
    "Stage",
    "TextPiece",
    "WebhookEvent",
    "WebhookRefused",
    "verify_webhook",
]
