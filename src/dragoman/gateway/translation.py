"""A call whose caller and upstream speak different formats: translated there and back."""

from collections.abc import AsyncIterator, Iterable, Iterator

import msgspec

from dragoman.domain.chat import ChatRequest
from dragoman.domain.chat_answer import put_together
from dragoman.domain.chat_events import Event, TokensUsed
from dragoman.domain.errors import Invalid, NotCallable, UpstreamError, dotted
from dragoman.domain.ports import Headers, UpstreamExchange
from dragoman.domain.usage import Usage
from dragoman.gateway.mask import Mask
from dragoman.gateway.refusal import refused
from dragoman.gateway.target import ReadyEndpoint, Target
from dragoman.protocols.base import FailedInStream, WireFormat, WireRequest
from dragoman.protocols.defaults import completed
from dragoman.protocols.openai_chat.reading import read
from dragoman.protocols.openai_chat.writing import StreamWriter, completion
from dragoman.protocols.registry import TRANSLATED
from dragoman.protocols.thoughts import Thoughts

JSON: Headers = [(b"content-type", b"application/json")]
EVENTS: Headers = [(b"content-type", b"text/event-stream; charset=utf-8")]


def translation(
    target: Target, members: dict[str, msgspec.Raw], now_ms: int
) -> "Translation | None":
    """Begin to translate a call; None where nothing has to be translated.

    Raises Invalid that names everything that cannot be read, or not be expressed in the
    upstream's format, and NotCallable where that is what the LLM itself has stored.
    """
    protocol = TRANSLATED.get(target.llm.configuration.protocol)
    return Translation(protocol, target, read(members), now_ms // 1000) if protocol else None


class Translation:
    """One call, which may be tried at several endpoints."""

    def __init__(
        self, protocol: WireFormat, target: Target, chat: ChatRequest, created_s: int
    ) -> None:
        self._protocol = protocol
        self._target = target
        self._chat = completed(chat, target.llm.configuration)
        self._created_s = created_s
        self._requests: dict[str, WireRequest] = {}
        try:
            self.request(target.endpoints[0])
        except Invalid as invalid:
            raise self._whose(chat, invalid) from None

    def request(self, endpoint: ReadyEndpoint) -> WireRequest:
        """Write the request to one of the endpoints."""
        url = endpoint.url
        if url not in self._requests:
            llm = self._target.llm.configuration
            self._requests[url] = self._protocol.encode(self._chat, llm, url)
        return self._requests[url]

    def _whose(self, chat: ChatRequest, invalid: Invalid) -> Invalid | NotCallable:
        """Say whether it is the caller's wish or the registration that cannot be expressed."""
        llm = self._target.llm.configuration
        try:
            self._protocol.encode(chat, llm, self._target.endpoints[0].url)
        except Invalid as callers:
            return callers
        names = ", ".join(dotted(problem.path) for problem in invalid.problems)
        return NotCallable(
            f"What is stored for this LLM cannot be sent to its server: {names}. Change its "
            "registration.",
            code="stored_setting_not_supported",
        )

    def headers(self, first: bytes) -> Headers:
        """Write the head of the answer; `first` is the first piece of its body."""
        if self._chat.stream:
            return [*EVENTS]
        return [*JSON, (b"content-length", b"%d" % len(first))]

    async def pieces(self, exchange: UpstreamExchange, usage: Usage) -> AsyncIterator[bytes]:
        """Give the answer in the caller's format, piece by piece; a whole one is one piece.

        Raises UpstreamRefused where the upstream says within its stream that it failed, and
        UpstreamBroken where what it says has no end or is not of its format; what was said
        before that has been given.
        """
        if self._chat.stream:
            async for piece in self._stream(exchange, usage):
                yield self._covered(piece)
        else:
            yield self._covered(await self._whole(exchange, usage))

    async def _whole(self, exchange: UpstreamExchange, usage: Usage) -> bytes:
        pieces = []
        while piece := await exchange.read():
            pieces.append(piece)
        events = _counted(self._protocol.decode(b"".join(pieces)), usage)
        said = put_together(self._thoughts().placed(events))
        return completion(said, created_s=self._created_s)

    async def _stream(self, exchange: UpstreamExchange, usage: Usage) -> AsyncIterator[bytes]:
        decoder, thoughts = self._protocol.decoder(), self._thoughts()
        chunks = StreamWriter(created_s=self._created_s, include_usage=self._chat.include_usage)
        while piece := await exchange.read():
            written, failure = bytearray(), None
            try:
                for event in thoughts.placed(_counted(decoder.feed(piece), usage)):
                    written += chunks.chunk(event)
            except UpstreamError as error:
                failure = error
            if written:
                yield bytes(written)
            if failure is not None:
                raise self._told(failure)
        decoder.close()

    def _thoughts(self) -> Thoughts:
        return Thoughts(self._target.llm.configuration.reasoning_format)

    def _told(self, failure: UpstreamError) -> UpstreamError:
        """Give a failure as the caller may hear of it."""
        if isinstance(failure, FailedInStream):
            return refused(failure.status, failure.said, [], self._target)
        return failure

    def _covered(self, piece: bytes) -> bytes:
        """Cover the credential; a piece is whole in itself, so nothing waits for the next one."""
        mask = Mask(self._target.hidden)
        return mask.passed(piece) + mask.rest()


def _counted(events: Iterable[Event], usage: Usage) -> Iterator[Event]:
    """Take note of the tokens that are told of on the way."""
    for event in events:
        if isinstance(event, TokensUsed):
            usage.tokens = event
        yield event
