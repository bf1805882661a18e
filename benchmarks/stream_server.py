"""An upstream that streams, as a program: `python -m benchmarks.stream_server`.

nginx cannot pace chunks, so this one is ours: one protocol, one timer per open stream. It answers
plain calls too, for where there is no nginx. Prints its port when it is ready.
"""

import asyncio
import sys

import uvloop
from httptools import HttpRequestParser

from benchmarks.conversation import ANSWER, CHUNK_INTERVAL_S, EVENTS, Route

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\n%b\r\n\r\n"
_PLAIN = _HEAD % (b"application/json", b"content-length: %d" % len(ANSWER)) + ANSWER
_STREAM_HEAD = _HEAD % (b"text/event-stream", b"transfer-encoding: chunked")
_CHUNKS = [b"%x\r\n%b\r\n" % (len(event), event) for event in EVENTS]
_CHUNKS[-1] += b"0\r\n\r\n"


class Answering(asyncio.Protocol):
    """One caller's connection; which answer it gets is the first part of the path."""

    _transport: asyncio.Transport
    _timer: asyncio.Handle | None = None
    _route = Route.PLAIN

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._parser = HttpRequestParser(self)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Keep the transport."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Read requests."""
        self._parser.feed_data(data)

    def connection_lost(self, _: Exception | None) -> None:
        """Stop talking to nobody."""
        if self._timer is not None:
            self._timer.cancel()

    def on_url(self, url: bytes) -> None:
        """Take the route from the path."""
        self._route = Route(url.split(b"/")[1].decode())

    def on_message_complete(self) -> None:
        """Answer a whole request."""
        if not self._route.is_streamed:
            self._transport.write(_PLAIN)
            return
        self._transport.write(_STREAM_HEAD + _CHUNKS[0])
        if self._route is not Route.HELD:
            self._go_on(1)

    def _go_on(self, index: int) -> None:
        if index == len(_CHUNKS):
            return
        if self._route is Route.PACED:
            self._timer = self._loop.call_later(CHUNK_INTERVAL_S, self._send, index)
        else:
            self._timer = self._loop.call_soon(self._send, index)

    def _send(self, index: int) -> None:
        self._transport.write(_CHUNKS[index])
        self._go_on(index + 1)


async def serve() -> None:
    """Serve on a free port until the process is ended."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Answering, "127.0.0.1", 0, backlog=2048)
    sys.stdout.write(f"listening on {server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve())
