r"""An upstream that does what a test tells it, byte by byte, and remembers what it saw.

A script is a list of steps, carried out on each connection in turn; with several scripts, the
first connection gets the first one, and the last one serves every connection after that.

    async with serving(
        read_request(),
        send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhal"),
        reset(),
    ) as upstream:
        ...  # call upstream.url
        assert upstream.requests[0].body == b"{}"
        await upstream.peers[0].left()  # until the client has hung up

When a script is over, its connection stays open until the client closes it. A step that waits
for something ends its script when the client hangs up. Whoever leaves the block ends everything.
"""

from tests.scripted_upstream.server import (
    HungUp,
    Peer,
    Request,
    Script,
    ScriptedUpstream,
    Step,
    serving,
)
from tests.scripted_upstream.steps import (
    close,
    close_half,
    cut,
    drip,
    flood,
    forever,
    read_again,
    read_body,
    read_head,
    read_nothing,
    read_request,
    reply,
    reset,
    send,
    until,
    until_hung_up,
    wait,
)

__all__ = [
    "HungUp",
    "Peer",
    "Request",
    "Script",
    "ScriptedUpstream",
    "Step",
    "close",
    "close_half",
    "cut",
    "drip",
    "flood",
    "forever",
    "read_again",
    "read_body",
    "read_head",
    "read_nothing",
    "read_request",
    "reply",
    "reset",
    "send",
    "serving",
    "until",
    "until_hung_up",
    "wait",
]
