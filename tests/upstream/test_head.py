"""How a request's head looks on the wire."""

import pytest

from dragoman.domain.errors import Internal
from dragoman.domain.header_block import HeaderBlock
from dragoman.domain.ports import UpstreamRequest
from dragoman.domain.url import Origin
from dragoman.upstream.head import OURS, encode_head, host_header
from tests.upstream.calling import PATIENT

ORIGIN = Origin("https", "api.test", 443)


def request(
    *,
    target: bytes = b"/v1",
    headers: list[tuple[bytes, bytes]] | None = None,
    body: bytes = b"{}",
    method: bytes = b"POST",
) -> UpstreamRequest:
    return UpstreamRequest(
        ORIGIN, target, [HeaderBlock(headers or [])], body, PATIENT, method=method
    )


@pytest.mark.parametrize(
    ("origin", "header"),
    [
        (Origin("https", "api.test", 443), b"api.test"),
        (Origin("https", "api.test", 80), b"api.test:80"),
        (Origin("http", "api.test", 80), b"api.test"),
        (Origin("http", "::1", 8080), b"[::1]:8080"),
        (Origin("https", "::1", 443), b"[::1]"),
    ],
)
def test_host_has_its_port_where_it_matters(origin: Origin, header: bytes) -> None:
    assert host_header(origin) == header


def test_a_head_is_what_was_asked_for_with_host_and_length() -> None:
    headers = [(b"authorization", b"Bearer x"), (b"accept", b"")]
    assert encode_head(request(headers=headers), b"api.test") == (
        b"POST /v1 HTTP/1.1\r\nhost: api.test\r\nauthorization: Bearer x\r\naccept: \r\n"
        b"content-length: 2\r\n\r\n"
    )


def test_only_a_method_without_a_body_has_no_length() -> None:
    assert b"content-length" not in encode_head(request(method=b"GET", body=b""), b"h")
    assert b"content-length: 0\r\n" in encode_head(request(body=b""), b"h")
    assert b"content-length: 1\r\n" in encode_head(request(method=b"GET", body=b"x"), b"h")


@pytest.mark.parametrize("bad", [b"\r\n", b"\n", b"\r", b"\0"])
@pytest.mark.parametrize("place", ["target", "name", "value", "method"])
def test_a_control_character_is_not_sent(place: str, bad: bytes) -> None:
    secret = b"sk-secret" + bad + b"x"
    requests = {
        "target": request(target=b"/" + secret),
        "name": request(headers=[(secret, b"1")]),
        "value": request(headers=[(b"x", secret)]),
        "method": request(method=secret),
    }
    with pytest.raises(Internal) as refused:
        encode_head(requests[place], b"api.test")
    assert "sk-secret" not in refused.value.message


def test_lines_that_are_sent_again_are_written_once_and_mean_the_same() -> None:
    again = [HeaderBlock([(b"x", b"1"), (b"y", b"")]), HeaderBlock([]), HeaderBlock([(b"z", b"2")])]
    sent = [
        encode_head(UpstreamRequest(ORIGIN, target, again, body, PATIENT), b"api.test")
        for target, body in ((b"/a", b"{}"), (b"/b", b"[1]"), (b"/a", b"{}"))
    ]
    assert (
        sent[0]
        == sent[2]
        == (
            b"POST /a HTTP/1.1\r\nhost: api.test\r\nx: 1\r\ny: \r\nz: 2\r\n"
            b"content-length: 2\r\n\r\n"
        )
    )
    assert sent[1] == sent[0].replace(b"/a", b"/b").replace(b": 2\r\n\r", b": 3\r\n\r")


def test_lines_that_were_refused_are_refused_again() -> None:
    block = HeaderBlock([(b"x", b"1\r\ny: 2")])
    for _ in range(2):
        with pytest.raises(Internal):
            encode_head(UpstreamRequest(ORIGIN, b"/", [block], b"", PATIENT), b"api.test")


def test_a_target_with_a_space_is_not_sent() -> None:
    with pytest.raises(Internal):
        encode_head(request(target=b"/v1 HTTP/1.1"), b"api.test")


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_header_that_frames_the_message_is_not_the_callers(name: bytes) -> None:
    with pytest.raises(Internal):
        encode_head(request(headers=[(name, b"1")]), b"api.test")
