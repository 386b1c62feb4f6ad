"""Photos that a chat request names by URL: data URLs, and http(s) URLs if the operator allows them.

The addresses of the other server are checked (`addresses.py`), for each redirect again.
"""

from __future__ import annotations

import asyncio

import httpx

from pixel_agent.api.http.uploads import decode_base64, photo_too_large
from pixel_agent.core.errors import InvalidRequest
from pixel_agent.core.settings import ChatSettings, PhotoSettings
from pixel_agent.jobs.webhooks.addresses import resolve

REDIRECTS = 3
"""Maximum number of redirects."""
_ALLOWED = "Send the photo as a data URL: data:image/jpeg;base64,…"


async def photo_at(url: str, chat: ChatSettings, photo: PhotoSettings) -> bytes:
    """Download or decode a photo. Raises InvalidRequest, PhotoTooLarge."""
    if url.startswith("data:"):
        head, _, body = url.partition(",")
        if not head.endswith(";base64"):
            raise InvalidRequest("image_url: the data URL is not in base64.", _ALLOWED)
        return await decode_base64(body, "image_url", photo)
    if chat.fetch == "off":
        raise InvalidRequest("image_url: this server fetches no photos from other servers.", _ALLOWED)
    try:
        async with asyncio.timeout(chat.fetch_timeout_s):
            return await _fetch(url, photo.max_bytes, anywhere=chat.fetch == "any")
    except TimeoutError:
        raise InvalidRequest(f"image_url: not fetched within {chat.fetch_timeout_s:g} s.", _ALLOWED) from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
        raise InvalidRequest(f"image_url: cannot be fetched ({type(error).__name__}).", _ALLOWED) from None


async def _fetch(url: str, most: int, *, anywhere: bool) -> bytes:
    at = httpx.URL(url)
    # No proxy from the environment: it would resolve names itself and so bypass the check.
    async with httpx.AsyncClient(trust_env=False, follow_redirects=False) as client:
        for _ in range(REDIRECTS + 1):
            request = await _checked(client, at, anywhere=anywhere)
            answer = await client.send(request, stream=True)
            try:
                if answer.is_redirect:
                    at = at.join(answer.headers["location"])
                    continue
                if answer.status_code != httpx.codes.OK:
                    raise InvalidRequest(f"image_url: the other server says {answer.status_code}.", _ALLOWED)
                return await _body(answer, most)
            finally:
                await answer.aclose()
    raise InvalidRequest(f"image_url: redirected more than {REDIRECTS} times.", _ALLOWED)


async def _body(answer: httpx.Response, most: int) -> bytes:
    data = bytearray()
    async for piece in answer.aiter_raw():
        data += piece
        if len(data) > most:
            raise photo_too_large("image_url", most)
    return bytes(data)


async def _checked(client: httpx.AsyncClient, url: httpx.URL, *, anywhere: bool) -> httpx.Request:
    """A request to a permitted address of the URL's host. Raises InvalidRequest."""
    if url.scheme not in ("http", "https") or not url.host:
        raise InvalidRequest("image_url: neither a data URL nor http(s).", _ALLOWED)
    target = await resolve(url)
    if not anywhere and not target.public:
        raise InvalidRequest("image_url: this address is not public, and is not fetched from.", _ALLOWED)
    headers = {"Accept-Encoding": "identity"}  # decompressed bytes could exceed every limit
    return target.request(client, "GET", target.addresses[0], headers)
