"""An LLM's answer on its way from the upstream's format into the caller's."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from msgspec import Struct

from dragoman.domain.chat_answer import put_together
from dragoman.domain.chat_events import Event, TokensUsed
from dragoman.domain.errors import UpstreamError
from dragoman.domain.ports import Headers
from dragoman.domain.usage import Usage
from dragoman.gateway.mask import Mask
from dragoman.gateway.refusal import refused
from dragoman.gateway.target import Target
from dragoman.protocols.base import FailedInStream, WireFormat
from dragoman.protocols.openai_chat.writing import StreamWriter, completion
from dragoman.protocols.thoughts import Thoughts


class TranslatedAnswer(Protocol):
    """An answer that is being translated.

    `feed` and `close` raise UpstreamRefused where the upstream says within its answer that it
    failed, and UpstreamBroken where that is not of its format or has no end. What was said before
    has then been given.
    """

    failed_with: int
    """What the upstream would have answered if it had known before; 0 while it has not failed."""

    def headers(self, first: bytes) -> Headers:
        """Write the head; `first` is the first piece of the body."""
        ...

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Take a piece of what the upstream says, and give what the caller hears of it."""
        ...

    def close(self) -> Iterator[bytes]:
        """Take note that nothing more comes, and give what had to wait for that."""
        ...


class Circumstances(Struct, frozen=True):
    """What it takes to translate an answer."""

    protocol: WireFormat
    target: Target
    usage: Usage
    """Is told of the tokens."""
    created_s: int
    """When the call began [s since 1970]."""

    def placed(self, events: Iterable[Event], thoughts: Thoughts) -> Iterator[Event]:
        """Give the events with thoughts where the LLM's registration wants them."""
        return thoughts.placed(_counted(events, self.usage))

    def thoughts(self) -> Thoughts:
        """Begin to place the thoughts of one answer."""
        return Thoughts(self.target.llm.configuration.reasoning_format)

    def covered(self, piece: bytes) -> bytes:
        """Cover the credential; a piece is whole in itself, so nothing waits for the next one."""
        mask = Mask(self.target.hidden)
        return mask.passed(piece) + mask.rest()


class WholeAnswer:
    """An answer that is translated when all of it is there."""

    failed_with = 0

    def __init__(self, circumstances: Circumstances) -> None:
        self._under = circumstances
        self._pieces: list[bytes] = []

    def headers(self, first: bytes) -> Headers:
        """Write the head."""
        return [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(first))]

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Keep a piece."""
        self._pieces.append(piece)
        yield from ()

    def close(self) -> Iterator[bytes]:
        """Give the answer."""
        events = self._under.protocol.decode(b"".join(self._pieces))
        said = put_together(self._under.placed(events, self._under.thoughts()))
        yield self._under.covered(completion(said, created_s=self._under.created_s))


class StreamedAnswer:
    """An answer that is translated as it comes."""

    def __init__(self, circumstances: Circumstances, *, include_usage: bool) -> None:
        """`include_usage` says whether the caller wants to hear of tokens at the end."""
        self._under = circumstances
        self._decoder = circumstances.protocol.decoder()
        self._thoughts = circumstances.thoughts()
        self.failed_with = 0
        self._writer = StreamWriter(created_s=circumstances.created_s, include_usage=include_usage)

    def headers(self, _: bytes) -> Headers:
        """Write the head."""
        return [(b"content-type", b"text/event-stream; charset=utf-8")]

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Give the chunks of what this piece says, as one piece."""
        written, failure = bytearray(), None
        try:
            for event in self._under.placed(self._decoder.feed(piece), self._thoughts):
                written += self._writer.chunk(event)
        except UpstreamError as error:
            failure = error
        if written:
            yield self._under.covered(bytes(written))
        if isinstance(failure, FailedInStream):
            self.failed_with = failure.status
            raise refused(failure.status, failure.said, [], self._under.target)
        if failure is not None:
            raise failure

    def close(self) -> Iterator[bytes]:
        """Make sure that it has ended."""
        self._decoder.close()
        yield from ()


def _counted(events: Iterable[Event], usage: Usage) -> Iterator[Event]:
    """Take note of the tokens that are told of on the way."""
    for event in events:
        if isinstance(event, TokensUsed):
            usage.tokens = event
        yield event
