"""The faults, one by one; and what is odd, but an answer."""

import gzip
from typing import NamedTuple

from dragoman.domain.errors import ConnectTimeout, UpstreamTimeout, UpstreamUnreachable
from dragoman.upstream.answer import AnswerLimits
from tests.faults.answers import (
    CHUNKED,
    DONE,
    EVENT,
    EVENTS,
    JSON,
    LAST_CHUNK,
    STREAM,
    chunk,
    head,
    length,
    plain,
)
from tests.faults.fault import HASTY_S, Fault, fault, full_backlog, hasty, no_tls, nobody, scripted
from tests.scripted_upstream import (
    Script,
    close,
    cut,
    drip,
    flood,
    read_head,
    read_nothing,
    reset,
    send,
    wait,
)

LIMITS = AnswerLimits(answer=12 * 1024 * 1024, line=256 * 1024)
"""Small enough to be reached at once, and more than the kernel keeps for who does not read."""

SECRET = b"sk-planted-in-the-answer"
OK = b"200 OK"
BEGUN = head(OK, JSON, length(100)) + b'{"half":'
BOMB = gzip.compress(bytes(32 * 1024 * 1024))
BREATH = wait(0.05)
"""Long enough for what was sent before to arrive by itself."""


def encoded(*codings: bytes) -> Fault:
    lines = [b"content-encoding: %s\r\n" % coding for coding in codings]
    return fault(send(plain(SECRET, JSON, *lines)), close(), is_http=True)


def answering(status: bytes, *lines: bytes) -> Fault:
    return fault(send(head(status, *lines)), close(), is_http=True)


CONNECTING = {
    "nobody listens": Fault(nobody, UpstreamUnreachable),
    "a full backlog": Fault(full_backlog, ConnectTimeout, 504, deadlines=hasty(connect_s=HASTY_S)),
    "no TLS": Fault(no_tls, UpstreamUnreachable),
}

BEFORE_THE_ANSWER = {
    "silence": fault(error=UpstreamTimeout, status=504, deadlines=hasty(first_byte_s=HASTY_S)),
    "a head byte by byte": fault(
        drip(head(OK, *[b"x: 1\r\n"] * 200), 0.02),
        error=UpstreamTimeout,
        status=504,
        deadlines=hasty(first_byte_s=HASTY_S),
    ),
    "a request that is not read": scripted(read_nothing(), BREATH, cut()),
    "hanging up": fault(close()),
    "a reset": fault(reset()),
    "a reset within the head": fault(send(head(OK, JSON)[:-2]), BREATH, reset()),
    "100 and no more": fault(send(head(b"100 Continue")), close()),
    "103 again and again": fault(flood(head(b"103 Early Hints", b"link: </x>\r\n") * 10)),
    "101": fault(send(head(b"101 Switch", b"connection: upgrade\r\nupgrade: h2c\r\n") + SECRET)),
    "a status that is no number": fault(send(head(b"2x0 OK", length(0)))),
    "a status line of another protocol": fault(send(b"SSH-2.0-OpenSSH_9.6\r\n")),
    "a header without a colon": fault(send(head(OK, b"nonsense\r\n", length(0)))),
    "a header with a bare CR": fault(send(head(OK, b"x: a\rset-cookie: b\r\n", length(0)))),
    "1 MB of a header": fault(send(head(OK, b"x: " + b"y" * 1_000_000 + b"\r\n", length(0)))),
    "10 000 header lines": fault(send(head(OK, *[b"x: 1\r\n"] * 10_000, length(0)))),
    "a header that never ends": fault(send(head(OK)[:-2] + b"x: "), flood(b"y" * 10_000)),
    "a length and chunks": fault(send(head(OK, length(2), CHUNKED) + chunk(b"hi") + LAST_CHUNK)),
    "a head with a length and an end": fault(send(head(OK, JSON, length(9))), BREATH, close()),
    "a head with a length and silence": fault(
        send(head(OK, JSON, length(9))),
        error=UpstreamTimeout,
        status=504,
        deadlines=hasty(idle_s=HASTY_S),
    ),
    "a head and a broken chunk": fault(send(head(OK, JSON, CHUNKED) + b"zz\r\n")),
    "two lengths": fault(send(head(OK, length(2), length(3)) + b"hi!")),
    "a length beyond the limit": fault(send(head(OK, length(LIMITS.answer + 1)) + b"x" * 1000)),
}

NO_ANSWER_FOR_A_CALLER = {
    "204": answering(b"204 No Content"),
    "205": answering(b"205 Reset Content", length(0)),
    "206": answering(b"206 Partial Content", length(0)),
    "304": answering(b"304 Not Modified"),
    **{
        f"{status}, to {where}": answering(
            b"%d Elsewhere" % status, b"location: %s\r\n" % where.encode(), length(0)
        )
        for status in (301, 302, 303, 307, 308)
        for where in ("/v1/other", "//127.0.0.1:1/", "https://example.com/")
    },
    "gzip": encoded(b"gzip"),
    "br": encoded(b"br"),
    "deflate": encoded(b"Deflate"),
    "gzip in a list": encoded(b"identity, gzip"),
    "gzip in a second line": encoded(b"identity", b"gzip"),
    "gzip twice": encoded(b"gzip,gzip"),
    "a bomb": fault(send(plain(BOMB, JSON, b"content-encoding: gzip\r\n")), close(), is_http=True),
    "a bomb as an error": fault(
        send(plain(BOMB, JSON, b"content-encoding: gzip\r\n", status=b"500 Oops")),
        close(),
        is_http=True,
    ),
    "an error that never ends": fault(
        send(head(b"500 Oops", JSON)), flood(b"x" * 10_000), is_http=True
    ),
    "an error that stops halfway": fault(
        send(head(b"500 Oops", JSON, length(100)) + b'{"err'),
        is_http=True,
        deadlines=hasty(idle_s=HASTY_S),
    ),
    "an error that is cut short": fault(
        send(head(b"500 Oops", JSON, length(100)) + b'{"err'), reset(), is_http=True
    ),
}

WITHIN_THE_ANSWER = {
    "a reset in a plain answer": fault(send(BEGUN), BREATH, reset(), beginning=b'{"half":'),
    "a length too large": fault(send(BEGUN), close(), beginning=b'{"half":'),
    "a reset before the first event": fault(
        send(STREAM), BREATH, reset(), beginning=b"", says_so=True
    ),
    "a broken chunk right behind the head": fault(
        send(STREAM + b"zz\r\n"), beginning=b"", says_so=True
    ),
    "a reset between two events": fault(
        send(STREAM + chunk(EVENT)), BREATH, reset(), beginning=EVENT, says_so=True
    ),
    "a reset within an event": fault(
        send(STREAM + chunk(EVENT[:20])), BREATH, reset(), beginning=EVENT[:20]
    ),
    "a stream without its last chunk": fault(
        send(STREAM + chunk(EVENT)), BREATH, close(), beginning=EVENT, says_so=True
    ),
    "a stream without its last chunk, though it said that it is done": fault(
        send(STREAM + chunk(EVENT + DONE)), BREATH, close(), beginning=EVENT + DONE, says_so=True
    ),
    "a stream without a length, cut within an event": fault(
        send(head(OK, EVENTS) + EVENT + EVENT[:20]), BREATH, close(), beginning=EVENT + EVENT[:20]
    ),
    "TLS cut off without a farewell": fault(
        send(head(OK, EVENTS) + EVENT),
        BREATH,
        cut(),
        beginning=EVENT,
        says_so=True,
        encrypted=True,
    ),
    "a chunk size that is no number": fault(
        send(STREAM + chunk(EVENT)), BREATH, send(b"zz\r\n"), beginning=EVENT, says_so=True
    ),
    "a chunk that is longer than it said": fault(
        send(STREAM + chunk(EVENT)), BREATH, send(b"2\r\nhi" + SECRET), beginning=EVENT
    ),
    "trailers that never end": fault(
        send(STREAM + chunk(EVENT)),
        BREATH,
        send(b"0\r\nx: "),
        flood(b"y" * 10_000),
        beginning=EVENT,
        says_so=True,
    ),
    "10 MB in a line": fault(
        send(STREAM + chunk(EVENT)),
        BREATH,
        send(chunk(b"data: " + b"x" * 10_000_000 + b"\n\n")),
        beginning=EVENT,
    ),
    "a body that never ends": fault(
        send(head(OK, JSON, CHUNKED)), flood(chunk(b" " * 100_000)), beginning=b" " * 1_000_000
    ),
    "a stream that never ends": fault(
        send(STREAM), flood(chunk(EVENT * 1000)), beginning=EVENT * 10_000, says_so=None
    ),
    "a stream that falls silent": fault(
        send(STREAM + chunk(EVENT)),
        error=UpstreamTimeout,
        deadlines=hasty(idle_s=HASTY_S),
        beginning=EVENT,
        says_so=True,
    ),
    "a stream byte by byte": fault(
        send(STREAM),
        drip(chunk(b":") * 1000, 0.01),
        error=UpstreamTimeout,
        deadlines=hasty(total_s=HASTY_S),
        beginning=b":",
    ),
}

FAULTS = CONNECTING | BEFORE_THE_ANSWER | NO_ANSWER_FOR_A_CALLER | WITHIN_THE_ANSWER


class Odd(NamedTuple):
    """An answer that is whole, though something about it is odd."""

    script: Script
    body: bytes
    reusable: bool
    """Whether the connection may carry another answer."""


BODY = b'{"mine":true}'
THEIRS = plain(b'{"not":"yours"}', JSON)

ODD = {
    "100 before it": Odd((send(head(b"100 Continue") + plain(BODY, JSON)),), BODY, True),
    "100, three 103 and 102": Odd(
        (
            send(head(b"100 Continue")),
            *[send(head(b"103 Early Hints", b"link: </x>\r\n"))] * 3,
            BREATH,
            send(head(b"102 Processing")),
            BREATH,
            send(plain(BODY, JSON)),
        ),
        BODY,
        True,
    ),
    "two answers": Odd((send(plain(BODY, JSON) + THEIRS),), BODY, False),
    "two answers in chunks": Odd(
        (send(head(OK, JSON, CHUNKED) + chunk(BODY) + LAST_CHUNK + THEIRS),), BODY, False
    ),
    "a length too small": Odd((send(plain(BODY, JSON) + b"and more"),), BODY, False),
    "a second answer a little later": Odd(
        (send(plain(BODY, JSON)), BREATH, send(THEIRS)), BODY, False
    ),
    "half of the next answer": Odd((send(plain(BODY, JSON) + THEIRS[:-5]),), BODY, False),
    "closed behind it": Odd((send(plain(BODY, JSON)), close()), BODY, False),
    "reset behind it": Odd((send(plain(BODY, JSON)), BREATH, reset()), BODY, False),
    "no encoding, told twice": Odd(
        (send(plain(BODY, JSON, b"content-encoding: identity, Identity\r\n")),), BODY, True
    ),
    "no length": Odd((send(head(OK, JSON) + BODY), close()), BODY, False),
    "a stream that does not say that it is done": Odd(
        (send(STREAM + chunk(EVENT) + LAST_CHUNK),), EVENT, True
    ),
    "a stream in one-byte chunks, with extensions and trailers": Odd(
        (
            send(STREAM),
            send(b"".join(b"1;a=b\r\n%c\r\n" % byte for byte in EVENT + DONE)),
            send(b"0\r\nset-cookie: a=b\r\n\r\n"),
        ),
        EVENT + DONE,
        True,
    ),
}
"""All of them begin when the request was read."""

EARLY = {
    "before the request's body": (read_head(), send(plain(b"{}", JSON, status=b"413 Large"))),
    "and reads no more": (
        read_head(),
        read_nothing(),
        send(plain(b"{}", JSON, status=b"413 Large")),
    ),
}
"""Answers that come before the request was read; it is a large one."""
