"""A list without pages, as GoodMem's clients want it: written while it is read, page by page."""

import logging
from collections.abc import Awaitable, Callable

from fastapi import Response

from dragoman.dialect.record import Receive, Scope, Send
from dragoman.domain.errors import CallerError, DragomanError
from dragoman.domain.llm import LLM
from dragoman.domain.page import Cursor, Page

log = logging.getLogger(__name__)

MAX_LLMS = 10_000
PAGE_SIZE = 200

PageAfter = Callable[[Cursor | None], Awaitable[Page[LLM]]]
"""Reads the page after a place in the list; the first one, where that is None, counts the list."""


class Listing(Response):
    """The answer. What fails before its head is an answer of its own, what fails later cuts it."""

    media_type = "application/json"

    def __init__(self, first: Page[LLM], read: PageAfter, write: Callable[[LLM], bytes]) -> None:
        super().__init__()
        self._first = first
        self._read = read
        self._write = write

    @classmethod
    async def begin(cls, read: PageAfter, write: Callable[[LLM], bytes]) -> "Listing":
        """Read the first page. Raises CallerError for a list that is too long to be one."""
        first = await read(None)
        if (first.total or 0) > MAX_LLMS:
            raise CallerError(
                f"There are more than {MAX_LLMS} LLMs in this list; ask for fewer with ownerId, "
                "providerType or label.<key>=<value>.",
                code="too_many_llms",
            )
        return cls(first, read, write)

    async def __call__(self, _asgi: Scope, _receive: Receive, send: Send) -> None:
        """Write it."""
        try:
            await self._write_all(send)
        except DragomanError:
            log.warning("list_cut_short", exc_info=True)
            raise

    async def _write_all(self, send: Send) -> None:
        headers = [(b"content-type", b"application/json")]
        page, piece = self._first, b'{"llms":[' + self._written(self._first)
        if page.next is None:
            headers.append((b"content-length", b"%d" % (len(piece) + len(b"]}"))))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        while page.next is not None:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            page = await self._read(page.next)
            piece = b"".join(b"," + self._write(llm) for llm in page.items)
        await send({"type": "http.response.body", "body": piece + b"]}"})

    def _written(self, page: Page[LLM]) -> bytes:
        return b",".join(map(self._write, page.items))
