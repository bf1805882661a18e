"""Our side of a caller's connection: uvicorn's, with a limit and without a trap."""

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

HEAD_MAX_BYTES = 32 * 1024
LINGER_S = 1.0


class Listener(HttpToolsProtocol):
    """Refuses a head that is too large, and keeps trailers apart from headers.

    llhttp reports the fields behind a chunked body like those before it. Left in one list, a
    trailer could say whose request it is after the head has been judged.
    """

    _head_bytes = 0
    _trailer_bytes = 0
    _in_head = True
    _is_refused = False

    def data_received(self, data: bytes) -> None:
        """Count what belongs to a head that has not ended; drop what comes after a refusal."""
        if self._is_refused:
            return
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > HEAD_MAX_BYTES:
            self._refuse(431, "The request line and headers are too large.")

    def on_headers_complete(self) -> None:
        """End the head; what comes as a field from now on is a trailer."""
        if self._head_bytes > HEAD_MAX_BYTES and self._head_size_bytes() > HEAD_MAX_BYTES:
            raise ValueError("the parser stops here, and `data_received` refuses the head")
        self._in_head = False
        self._head_bytes = self._trailer_bytes = 0
        super().on_headers_complete()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; of trailers nothing is kept, and no more than of headers is read."""
        if self._in_head:
            super().on_header(name, value)
            return
        self._trailer_bytes += len(name) + len(value)
        if self._trailer_bytes > HEAD_MAX_BYTES:
            raise ValueError("the parser stops here, and the request is refused")

    def on_message_complete(self) -> None:
        """Wait for the next head."""
        super().on_message_complete()
        self._in_head = True

    def send_400_response(self, _msg: str) -> None:
        """Refuse what the parser has stopped at, unless it is refused for its size anyway."""
        if not (self._in_head and self._head_bytes > HEAD_MAX_BYTES):
            self._refuse(400, "This is not a valid HTTP/1.1 request.")

    def _head_size_bytes(self) -> int:
        """Measure a whole head, because what was counted may hold some of the body."""
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _refuse(self, status: int, message: str) -> None:
        if self._is_refused or self.transport.is_closing():
            return
        self._is_refused = True
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            self.transport.abort()  # inside an answer, ours would be taken for a part of it
            return
        body = b'{"error":{"message":"%b","type":"invalid_request_error"}}' % message.encode()
        head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        self.transport.write(STATUS_LINE[status] + head % len(body) + body)
        # Closed at once, a caller that is still sending would see a reset in place of the answer.
        self.loop.call_later(LINGER_S, self.transport.close)
