"""What a wire format has to do for its servers to be called by anybody."""

from collections.abc import Iterator
from typing import Protocol

from msgspec import Struct

from dragoman.domain.chat import ChatRequest
from dragoman.domain.chat_events import Event
from dragoman.domain.errors import UpstreamBroken, UpstreamError
from dragoman.domain.llm import Configuration

UNSUPPORTED = "unsupported_parameter"
"""The code of what a format cannot express."""


class WireRequest(Struct, frozen=True, gc=False):
    """A request in a server's format: neither where the server is nor what it lets in by."""

    path: str
    """With its query, as it stands on the request line."""
    headers: tuple[tuple[bytes, bytes], ...]
    """Beside those that every upstream gets."""
    body: bytes


class Said(Struct, frozen=True, gc=False):
    """What a server says of a failure, in its own words."""

    message: str | None = None
    code: str | None = None
    param: str | None = None


class FailedInStream(UpstreamError):
    """A server says within its stream that it has failed."""

    code = "upstream_failed"

    def __init__(self, status: int, said: Said) -> None:
        """`status` is what the server would have answered before the stream began [HTTP]."""
        super().__init__("The upstream failed while it answered.")
        self.status = status
        self.said = said


class Decoder(Protocol):
    """One stream, as it is read."""

    def feed(self, piece: bytes) -> Iterator[Event]:
        """Give what this piece completes, wherever the network has cut it.

        Raises FailedInStream, and UpstreamBroken for what is not of the format; what came
        before has then been given.
        """
        ...

    def close(self) -> None:
        """Take note that nothing more comes. Raises UpstreamBroken if the answer has no end."""
        ...


class WireFormat(Protocol):
    """A wire format that upstreams speak; a module is one."""

    def encode(self, chat: ChatRequest, llm: Configuration, url: str) -> WireRequest:
        """Write a request to the endpoint of this URL; the same for the same.

        Raises Invalid that names everything that the format cannot express, and NotCallable where
        the LLM cannot be called as it is registered.
        """
        ...

    def decoder(self) -> Decoder:
        """Begin to read a stream."""
        ...

    def decode(self, body: bytes) -> Iterator[Event]:
        """Read a whole answer. Raises UpstreamBroken for what is none."""
        ...

    def problem(self, body: bytes) -> Said:
        """Read what an error answer says; what cannot be read says nothing."""
        ...


def cut_short() -> UpstreamBroken:
    """Say that an answer ended before its end."""
    return UpstreamBroken("The upstream's answer ended before it was complete.")


def not_the_format(name: str) -> UpstreamBroken:
    """Say that an answer cannot be read."""
    return UpstreamBroken(
        f"The upstream's answer is not of the format {name}. Check the URL and the format that "
        "this LLM is registered with."
    )
