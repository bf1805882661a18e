"""An OpenAI-compatible server that answers each caller with the caller's own mark.

The mark is the text of the last message; every piece of the answer carries it, so that an answer
which reaches somebody else shows. The member `user` says in which manner it is answered.
"""

import asyncio
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager

from tests.background import in_background
from tests.faults.answers import DONE, JSON, STREAM, chunk, head, length, plain
from tests.scripted_upstream import HungUp, Peer, forever, read_request, serving

STREAMED_CHUNKS = 5

CUT = ("cut in the head", "cut in the body")
MANNERS = ("half closed behind", "with more behind", *CUT)
"""How it may answer, beside well."""

NOBODYS = plain(b'{"choices":[{"message":{"content":"of nobody"}}]}', JSON)


@contextmanager
def marking_upstream() -> Iterator[str]:
    """Run the server for the length of the block; gives its base URL."""
    with in_background(serving(forever(read_request(), _answer_with_mark))) as upstream:
        yield f"{upstream.url}/v1"


async def _answer_with_mark(peer: Peer) -> None:
    body = json.loads(peer.requests[-1].body)
    mark, manner = body["messages"][-1]["content"], body.get("user")
    await asyncio.sleep(random.random() * 0.01)
    head, pieces = _streamed(mark) if body.get("stream") else _plain(mark)
    match manner:
        case "cut in the head":
            raise _hung_up(peer, head[:20])
        case "cut in the body":
            kept = b"".join(pieces)[:-10]
            raise _hung_up(peer, head + kept[: random.randrange(1, len(kept))])
        case "with more behind":
            pieces[-1] += NOBODYS
    peer.write(head)
    for piece in pieces:
        peer.write(piece)
        await asyncio.sleep(0)
    if manner == "half closed behind":
        peer.close_half()
        raise HungUp


def _plain(mark: str) -> tuple[bytes, list[bytes]]:
    answer = json.dumps({"choices": [{"message": {"content": mark}}]}).encode()
    return head(b"200 OK", JSON, length(len(answer))), [answer]


def _streamed(mark: str) -> tuple[bytes, list[bytes]]:
    delta = json.dumps({"choices": [{"delta": {"content": mark}}]})
    events = [f"data: {delta}\n\n".encode()] * STREAMED_CHUNKS
    return STREAM, [chunk(event) for event in (*events, DONE, b"")]


def _hung_up(peer: Peer, last_words: bytes) -> HungUp:
    peer.write(last_words)
    peer.transport.close()
    return HungUp()
