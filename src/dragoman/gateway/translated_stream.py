"""A stream on its way from the upstream's format into the caller's."""

from collections.abc import Iterable, Iterator

from dragoman.domain.chat_events import Event, TokensUsed
from dragoman.domain.errors import UpstreamError
from dragoman.domain.usage import Usage
from dragoman.gateway.refusal import refused
from dragoman.gateway.target import Target
from dragoman.protocols.base import Decoder, FailedInStream
from dragoman.protocols.openai_chat.writing import StreamWriter
from dragoman.protocols.thoughts import Thoughts


class TranslatedStream:
    """One stream that is being translated."""

    def __init__(
        self, target: Target, decoder: Decoder, writer: StreamWriter, usage: Usage
    ) -> None:
        """`usage` is told of the tokens."""
        self._target = target
        self._decoder = decoder
        self._writer = writer
        self._usage = usage
        self._thoughts = Thoughts(target.llm.configuration.reasoning_format)
        self.failed_with = 0
        """What the upstream would have answered had it known before; 0 while it has not failed."""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Give what the caller hears of a piece, at once.

        Then raises UpstreamRefused if the upstream says in it that it failed, and UpstreamBroken
        if it is not of its format.
        """
        written, failure = bytearray(), None
        try:
            for event in self._thoughts.placed(counted(self._decoder.feed(piece), self._usage)):
                written += self._writer.chunk(event)
        except UpstreamError as error:
            failure = error
        if written:
            # Chunks are whole in themselves: nothing waits for the next piece to be covered.
            yield self._target.hidden.covered(bytes(written))
        if isinstance(failure, FailedInStream):
            self.failed_with = failure.status
            raise refused(failure.status, failure.said, [], self._target)
        if failure is not None:
            raise failure

    def close(self) -> None:
        """Take note that nothing more comes. Raises UpstreamBroken if the stream has no end."""
        self._decoder.close()


def counted(events: Iterable[Event], usage: Usage) -> Iterator[Event]:
    """Take note of the tokens that are told of on the way."""
    for event in events:
        if isinstance(event, TokensUsed):
            usage.tokens = event
        yield event
