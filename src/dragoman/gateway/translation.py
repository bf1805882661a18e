"""A call whose caller and upstream speak different formats: translated there and back."""

import msgspec

from dragoman.domain.chat import ChatRequest
from dragoman.domain.errors import Invalid, NotCallable
from dragoman.domain.usage import Usage
from dragoman.gateway.target import ReadyEndpoint, Target
from dragoman.gateway.translated_answer import (
    Circumstances,
    StreamedAnswer,
    TranslatedAnswer,
    WholeAnswer,
)
from dragoman.protocols.base import WireRequest
from dragoman.protocols.defaults import completed
from dragoman.protocols.openai_chat.reading import read
from dragoman.protocols.registry import TRANSLATED


class Translation:
    """One call, which may be tried at several endpoints."""

    def __init__(self, target: Target, chat: ChatRequest, created_s: int) -> None:
        """`target` is one whose format is translated; `created_s` is now [s since 1970]."""
        self._protocol = TRANSLATED[target.llm.configuration.protocol]
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
        return cls(target, read(members), now_ms // 1000)

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

    def answer(self, usage: Usage) -> TranslatedAnswer:
        """Begin to translate an answer; `usage` is told what it takes."""
        circumstances = Circumstances(self._protocol, self._target, usage, self._created_s)
        if self._chat.stream:
            return StreamedAnswer(circumstances, include_usage=self._chat.include_usage)
        return WholeAnswer(circumstances)
