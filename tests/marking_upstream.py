"""An OpenAI-compatible server that answers each caller with the caller's own mark.

The mark is the text of the last message; every piece of the answer carries it, so that an answer
which reaches somebody else shows.
"""

import asyncio
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager

from tests.background import in_background
from tests.scripted_upstream import Peer, forever, read_request, serving

STREAMED_CHUNKS = 5


@contextmanager
def marking_upstream() -> Iterator[str]:
    """Run the server for the length of the block; gives its base URL."""
    with in_background(serving(forever(read_request(), _answer_with_mark))) as upstream:
        yield f"{upstream.url}/v1"


async def _answer_with_mark(peer: Peer) -> None:
    body = json.loads(peer.requests[-1].body)
    mark = body["messages"][-1]["content"]
    await asyncio.sleep(random.random() * 0.01)
    if not body.get("stream"):
        answer = json.dumps({"choices": [{"message": {"content": mark}}]}).encode()
        peer.transport.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\n\r\n%b" % (len(answer), answer)
        )
        return
    peer.transport.write(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    delta = json.dumps({"choices": [{"delta": {"content": mark}}]})
    for event in [f"data: {delta}\n\n"] * STREAMED_CHUNKS + ["data: [DONE]\n\n"]:
        peer.transport.write(f"{len(event):x}\r\n{event}\r\n".encode())
        await asyncio.sleep(0)
    peer.transport.write(b"0\r\n\r\n")
