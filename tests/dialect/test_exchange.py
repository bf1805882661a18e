"""A body is read up to its cap, and no caller can make us read without end."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.dialect import exchange
from dragoman.dialect.exchange import (
    CallerGone,
    read_body,
    refuse_announced,
    require_json,
    send_json,
    send_rendered,
)
from dragoman.dialect.record import Receive, Rendered
from dragoman.domain.errors import TooLarge, UnsupportedMediaType
from dragoman.domain.ports import Headers

MIB = 1024 * 1024


async def whole_body(receive: Receive, headers: Headers, max_bytes: int) -> bytes:
    """Read a body as every dialect does."""
    await refuse_announced(receive, headers, max_bytes)
    return await read_body(receive, max_bytes)


class Caller:
    """Sends a body in pieces; afterwards goes away, or only falls silent."""

    def __init__(self, *pieces: bytes, whole: bool = True, goes_away: bool = True) -> None:
        self._pieces = list(pieces) or [b""]
        self._whole = whole
        self._goes_away = goes_away
        self.sent_bytes = 0

    async def receive(self) -> dict[str, Any]:
        if not self._pieces:
            if not self._goes_away:
                await asyncio.sleep(3600)
            return {"type": "http.disconnect"}
        piece = self._pieces.pop(0)
        self.sent_bytes += len(piece)
        more = bool(self._pieces) or not self._whole
        return {"type": "http.request", "body": piece, "more_body": more}


class EndlessCaller(Caller):
    """Sends one piece again and again."""

    def __init__(self, piece: bytes, pause_s: float = 0) -> None:
        super().__init__()
        self._piece = piece
        self._pause_s = pause_s

    async def receive(self) -> dict[str, Any]:
        await asyncio.sleep(self._pause_s)
        self.sent_bytes += len(self._piece)
        return {"type": "http.request", "body": self._piece, "more_body": True}


def announcing(text: bytes) -> Headers:
    return [(b"host", b"a.example"), (b"content-length", text)]


class TestReading:
    @given(st.lists(st.binary(max_size=5), max_size=5))
    def test_a_body_is_its_pieces_in_order(self, pieces: Sequence[bytes]) -> None:
        body = asyncio.run(whole_body(Caller(*pieces).receive, [], 100))
        assert body == b"".join(pieces)

    @pytest.mark.parametrize("message", [{}, {"body": b""}, {"more_body": False}])
    async def test_a_request_without_a_body_has_an_empty_one(self, message: dict[str, Any]) -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request"} | message

        assert await whole_body(receive, [], 0) == b""

    @pytest.mark.parametrize("pieces", [[b"12345678"], [b"1234", b"5678"], [b"12345678", b""]])
    @pytest.mark.parametrize("headers", [[], announcing(b"8")], ids=["streamed", "announced"])
    async def test_a_body_may_be_just_as_large_as_the_cap(
        self, pieces: list[bytes], headers: Headers
    ) -> None:
        assert await whole_body(Caller(*pieces).receive, headers, 8) == b"12345678"

    async def test_nothing_is_read_behind_the_body(self) -> None:
        caller = Caller(b"one", b"", b"next")
        pieces = [await caller.receive(), await caller.receive() | {"more_body": False}]

        async def receive() -> dict[str, Any]:
            return pieces.pop(0)

        assert await whole_body(receive, [], 8) == b"one"

    @pytest.mark.parametrize("announced", [b"", b"-1", b"+9", b"9,9", b"0x99", b"1e9", b"\xb2"])
    async def test_a_length_that_is_no_number_does_not_count(self, announced: bytes) -> None:
        assert await whole_body(Caller(b"1234", b"5").receive, announcing(announced), 8) == b"12345"


class TestTooLarge:
    @pytest.mark.parametrize("pieces", [[b"123456789"], [b"1234", b"56789"], [b"12345678", b"9"]])
    async def test_one_byte_over_the_cap_is_too_large(self, pieces: list[bytes]) -> None:
        with pytest.raises(TooLarge, match=r"^The body is larger than 8 bytes\.$"):
            await whole_body(Caller(*pieces).receive, [], 8)

    async def test_what_is_announced_too_large_is_not_kept_in_memory(self) -> None:
        caller = Caller(b"1", b"2", b"3")
        with pytest.raises(TooLarge):
            await whole_body(caller.receive, announcing(b"9"), 8)
        assert caller.sent_bytes == 3

    async def test_a_body_that_is_announced_smaller_than_it_is_is_too_large_too(self) -> None:
        with pytest.raises(TooLarge):
            await whole_body(Caller(b"1234", b"56789").receive, announcing(b"4"), 8)

    @pytest.mark.parametrize("digits", [20, 400, 5000])
    async def test_no_announced_length_is_too_long_to_read(self, digits: int) -> None:
        with pytest.raises(TooLarge):
            await whole_body(Caller(b"1", b"2").receive, announcing(b"9" * digits), 8)

    async def test_a_cap_of_nothing_takes_nothing(self) -> None:
        assert await whole_body(Caller(b"").receive, [], 0) == b""
        with pytest.raises(TooLarge):
            await whole_body(Caller(b"1").receive, [], 0)


class TestDraining:
    async def test_what_is_too_large_is_read_to_its_end_so_that_the_answer_is_seen(self) -> None:
        caller = Caller(*[b"x" * 1000] * 100)
        with pytest.raises(TooLarge):
            await whole_body(caller.receive, [], 8)
        assert caller.sent_bytes == 100_000

    async def test_of_what_never_ends_8_mib_are_read(self) -> None:
        caller = EndlessCaller(b"x" * 65536)
        with pytest.raises(TooLarge):
            await whole_body(caller.receive, [], 1024)
        assert 8 * MIB <= caller.sent_bytes <= 8 * MIB + 2 * 65536

    async def test_the_cap_itself_does_not_count_among_them(self) -> None:
        caller = EndlessCaller(b"x" * 65536)
        with pytest.raises(TooLarge):
            await whole_body(caller.receive, [], 10 * MIB)
        assert 18 * MIB <= caller.sent_bytes <= 18 * MIB + 2 * 65536

    @pytest.mark.parametrize(
        "make_caller",
        [
            lambda: Caller(b"x" * 9, whole=False, goes_away=False),
            lambda: EndlessCaller(b"x", pause_s=0.001),
            lambda: EndlessCaller(b"", pause_s=0.001),
        ],
        ids=["silence", "single bytes", "empty pieces"],
    )
    async def test_nobody_is_waited_for_beyond_the_deadline(
        self, make_caller: Callable[[], Caller], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        caller = make_caller()
        monkeypatch.setattr(exchange, "DRAINED_S", 0.05)
        begun = time.monotonic()
        with pytest.raises(TooLarge):
            await whole_body(caller.receive, announcing(b"9"), 8)
        assert 0.04 <= time.monotonic() - begun < 2

    def test_the_limits_are_8_mib_and_one_second(self) -> None:
        assert exchange.DRAINED_BYTES == 8 * MIB
        assert exchange.DRAINED_S == 1.0


class TestCallersThatGo:
    @pytest.mark.parametrize("pieces", [[], [b"1234"], [b"1234", b"5678"]])
    async def test_a_caller_that_goes_before_the_body_is_whole_is_gone(
        self, pieces: list[bytes]
    ) -> None:
        caller = Caller(*pieces, whole=False)
        with pytest.raises(CallerGone):
            await whole_body(caller.receive, [], 8)

    async def test_a_caller_that_goes_at_once_is_gone(self) -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "http.disconnect"}

        with pytest.raises(CallerGone):
            await whole_body(receive, [], 8)

    async def test_a_caller_that_goes_while_it_is_drained_is_gone(self) -> None:
        caller = Caller(b"x" * 9, b"x", whole=False)
        with pytest.raises(CallerGone):
            await whole_body(caller.receive, [], 8)


class TestMediaType:
    @pytest.mark.parametrize(
        "value",
        [
            b"application/json",
            b"application/json; charset=utf-8",
            b"application/json;charset=utf-8",
            b"APPLICATION/JSON",
            b" application/json ;",
        ],
    )
    def test_json_is_json_in_every_spelling(self, value: bytes) -> None:
        require_json([(b"host", b"a.example"), (b"content-type", value)])

    @pytest.mark.parametrize(
        "value",
        [
            b"",
            b"text/plain",
            b"text/plain; application/json",
            b"application/jsonp",
            b"application/json, text/plain",
            b"application/x-www-form-urlencoded",
            b"multipart/form-data; boundary=x",
        ],
    )
    def test_what_a_web_page_may_send_without_being_asked_is_refused(self, value: bytes) -> None:
        with pytest.raises(UnsupportedMediaType, match="'Content-Type: application/json'"):
            require_json([(b"content-type", value)])

    def test_a_body_that_does_not_say_what_it_is_is_refused(self) -> None:
        with pytest.raises(UnsupportedMediaType):
            require_json([(b"accept", b"application/json")])

    def test_of_two_types_the_first_counts(self) -> None:
        with pytest.raises(UnsupportedMediaType):
            require_json([(b"content-type", b"text/plain"), (b"content-type", b"application/json")])


class Sent:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    async def send(self, message: Any) -> None:
        self.messages.append(message)


class TestAnswering:
    async def test_an_answer_is_whole_and_says_how_long_it_is(self) -> None:
        sent = Sent()
        await send_json(sent.send, 201, {"name": "münchen"}, [("x-one", "1")])
        start, body = sent.messages
        assert start == {
            "type": "http.response.start",
            "status": 201,
            "headers": [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(body["body"])).encode()),
                (b"x-one", b"1"),
            ],
        }
        assert body["type"] == "http.response.body"
        assert not body.get("more_body")
        assert json.loads(body["body"]) == {"name": "münchen"}

    async def test_a_failure_carries_its_headers_and_the_requests_name(self) -> None:
        sent = Sent()
        rendered = Rendered(429, {"error": "Too many."}, (("retry-after", "7"),))
        await send_rendered(sent.send, rendered, "req_1")
        assert sent.messages[0]["status"] == 429
        assert sent.messages[0]["headers"][2:] == [
            (b"retry-after", b"7"),
            (b"x-request-id", b"req_1"),
        ]
        assert sent.messages[1]["body"] == b'{"error":"Too many."}'
