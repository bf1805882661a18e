"""A caller who looks at every byte: says what came of a call, and whether it came whole.

h11 reads the answers, which nothing of Dragoman is made of.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import h11

PATIENCE_S = 20.0
ROOM = 64 * 1024
"""How much lies between the server and somebody who does not read [bytes], twice."""

CHAT = "/v1/chat/completions"


class Received(NamedTuple):
    """What came of one call."""

    status: int
    headers: dict[str, str]
    body: bytes
    whole: bool
    """Whether it ended as HTTP says that it ends."""

    @property
    def is_stream(self) -> bool:
        """Whether it says that it consists of events."""
        return self.headers.get("content-type", "").startswith("text/event-stream")

    @property
    def error(self) -> dict[str, Any]:
        """The error in it; fails if there is none in OpenAI's shape."""
        assert self.whole
        body = json.loads(self.body)
        assert list(body) == ["error"]
        error: dict[str, Any] = body["error"]
        assert list(error) == ["message", "type", "param", "code"]
        assert error["message"]
        return error


class Caller:
    """One connection to a server, made anew when it was closed. `calling` makes one."""

    def __init__(self, url: str, key: str) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self._place = (host, int(port))
        self._key = key
        self._http = h11.Connection(h11.CLIENT)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(self, model: str, **members: object) -> Received:
        """Call an LLM; raises TimeoutError where neither an answer nor an end comes."""
        async with asyncio.timeout(PATIENCE_S):
            await self.send(model, **members)
            return await self.receive()

    async def send(self, model: str, **members: object) -> None:
        """Send a call, and do not wait for what comes of it."""
        body = json.dumps({"model": model, "messages": [], **members}).encode()
        if self._streams is None:
            self._streams = await self._connected()
            self._http = h11.Connection(h11.CLIENT)
        request = h11.Request(
            method="POST",
            target=CHAT,
            headers=[
                ("host", "dragoman"),
                ("authorization", f"Bearer {self._key}"),
                ("content-type", "application/json"),
                ("content-length", str(len(body))),
            ],
        )
        for event in (request, h11.Data(body), h11.EndOfMessage()):
            self._streams[1].write(self._http.send(event) or b"")

    async def receive(self) -> Received:
        """Read what comes of the call that was sent."""
        status, headers, body = 0, {}, bytearray()
        try:
            while not isinstance(event := await self._event(), h11.EndOfMessage):
                if isinstance(event, h11.Response):
                    status = event.status_code
                    headers = {name.decode(): value.decode() for name, value in event.headers}
                elif isinstance(event, h11.Data):
                    body += event.data
        except (h11.RemoteProtocolError, ConnectionError):
            self.leave()
            return Received(status, headers, bytes(body), whole=False)
        if self._http.our_state is h11.MUST_CLOSE:
            self.leave()
        else:
            self._http.start_next_cycle()
        return Received(status, headers, bytes(body), whole=True)

    async def piece(self) -> bytes:
        """Read the next piece of a body, over the head if it has not come yet."""
        while not isinstance(event := await self._event(), h11.Data):
            assert not isinstance(event, h11.EndOfMessage)
        return bytes(event.data)

    def leave(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        sock = socket.socket()
        # What a caller does not read stays with the server, but for this much.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, self._place)
        return await asyncio.open_connection(sock=sock, limit=ROOM)

    async def _event(self) -> Any:
        assert self._streams is not None
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._streams[0].read(64 * 1024))
        return event


@asynccontextmanager
async def calling(url: str, key: str) -> AsyncIterator[Caller]:
    """Give a caller, and hang up at the end."""
    caller = Caller(url, key)
    try:
        yield caller
    finally:
        caller.leave()
