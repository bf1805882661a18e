"""A call whose caller and upstream speak different formats: translated there and back."""

import msgspec

from dragoman.domain.chat import ChatRequest
from dragoman.domain.chat_answer import put_together
from dragoman.domain.errors import Invalid, NotCallable
from dragoman.domain.usage import Usage
from dragoman.gateway.target import ReadyEndpoint, Target
from dragoman.gateway.translated_stream import TranslatedStream, counted
from dragoman.protocols.base import WireFormat, WireRequest
from dragoman.protocols.defaults import completed
from dragoman.protocols.openai_chat.reading import read
from dragoman.protocols.openai_chat.writing import StreamWriter, completion
from dragoman.protocols.thoughts import Thoughts


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

    @classmethod
    def begin(cls, target: Target, members: dict[str, msgspec.Raw], now_ms: int) -> "Translation":
        """Read what the caller asks for, and write it for the first endpoint.

        Raises Invalid that names everything that cannot be read, or not be expressed in the
        upstream's format, and NotCallable where that is what the LLM itself has stored.
        """
        if target.translated_into is None:
            raise ValueError("this LLM's format is the caller's own")
        return cls(target.translated_into, target, read(members), now_ms // 1000)

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
        return NotCallable(
            "With what is stored for this LLM, the request cannot be sent to its server. "
            f"{invalid.message}. Change the registration.",
            code="stored_setting_not_supported",
        )

    @property
    def is_streamed(self) -> bool:
        """Whether the caller wants a stream."""
        return self._chat.stream

    def stream(self, usage: Usage) -> TranslatedStream:
        """Begin to translate a stream; `usage` is told what it takes."""
        return TranslatedStream(
            self._target,
            self._protocol.decoder(),
            StreamWriter(created_s=self._created_s, include_usage=self._chat.include_usage),
            usage,
        )

    def whole(self, body: bytes, usage: Usage) -> bytes:
        """Translate a whole answer; `usage` is told what it took.

        Raises UpstreamBroken for what is none.
        """
        thoughts = Thoughts(self._target.llm.configuration.reasoning_format)
        events = thoughts.placed(counted(self._protocol.decode(body), usage))
        said = completion(put_together(events), created_s=self._created_s)
        return self._target.hidden.covered(said)
