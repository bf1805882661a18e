"""Requests that are refused: what two parsers could read differently, and what is no HTTP."""

_HEAD = b"POST /healthz HTTP/1.1\r\nhost: a\r\n"


def _with(*lines: bytes) -> bytes:
    return _HEAD + b"".join(line + b"\r\n" for line in lines) + b"\r\nabc"


def _chunked(body: bytes) -> bytes:
    return _HEAD + b"transfer-encoding: chunked\r\n\r\n" + body


def _target(line: bytes) -> bytes:
    return line + b"\r\nhost: a\r\n\r\n"


CHUNKS = b"transfer-encoding: chunked"

FRAMINGS = {
    "a length before chunks": _with(b"content-length: 3", CHUNKS),
    "a length behind chunks": _with(CHUNKS, b"content-length: 3"),
    "no length behind chunks": _with(CHUNKS, b"content-length: 0"),
    "two lengths": _with(b"content-length: 3", b"content-length: 4"),
    "the same length twice": _with(b"content-length: 3", b"content-length: 3"),
    "a list of lengths": _with(b"content-length: 3, 3"),
    "a length with a sign": _with(b"content-length: +3"),
    "a negative length": _with(b"content-length: -3"),
    "a hexadecimal length": _with(b"content-length: 0x3"),
    "an empty length": _with(b"content-length:"),
    "a length and more": _with(b"content-length: 3 3"),
    "a length behind a tabulator": _with(b"content-length: 3\x0b"),
    "a length over 64 bits": _with(b"content-length: 18446744073709551616"),
    "space before a length's colon": _with(b"content-length : 3"),
    "space before a coding's colon": _with(b"transfer-encoding : chunked"),
    "chunks twice in one line": _with(b"transfer-encoding: chunked, chunked"),
    "chunks twice in two lines": _with(CHUNKS, CHUNKS),
    "chunks and a comma": _with(b"transfer-encoding: chunked,"),
    "an empty coding": _with(b"transfer-encoding:"),
    "a coding in a folded line": _with(b"transfer-encoding:", b" chunked"),
    "a folded line": _with(b"x: a", b" b"),
    "a first line that is folded": _with(b" x: a"),
    "no name": _with(b": a"),
    "no colon": _with(b"x a"),
    "NUL in a name": _with(b"x\0: a"),
    "NUL in a value": _with(b"x: a\0"),
    "CR in a value": _with(b"x: a\rb: c"),
    "LF in a value": _with(b"x: a\nb: c"),
    "chunks in HTTP/1.0": b"POST / HTTP/1.0\r\n" + CHUNKS + b"\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
}
CODINGS = {
    "a coding whose name ends like chunked": _with(b"transfer-encoding: xchunked"),
    "two codings": _with(b"transfer-encoding: gzip, chunked"),
    "the coding that is none": _with(b"transfer-encoding: identity"),
    "a coding with a parameter": _with(b"transfer-encoding: chunked;x=1"),
}
LINE_ENDS = {
    "LF behind the request line": b"GET / HTTP/1.1\nhost: a\r\n\r\n",
    "LF behind a header": b"GET / HTTP/1.1\r\nhost: a\n\r\n",
    "LF at a head's end": b"GET / HTTP/1.1\r\nhost: a\r\n\n",
    "LF at an empty head's end": b"GET / HTTP/1.1\r\n\n",
    "CR behind the request line": b"GET / HTTP/1.1\rhost: a\r\n\r\n",
    "CR at a head's end": b"GET / HTTP/1.1\r\nhost: a\r\n\rx",
}
TARGETS = {
    "two words": _target(b"GET /"),
    "a space behind the version": _target(b"GET / HTTP/1.1 "),
    "another version": _target(b"GET / HTTP/1.2"),
    "a version of two digits": _target(b"GET / HTTP/11.1"),
    "a version in small letters": _target(b"GET / http/1.1"),
    "a method in small letters": _target(b"get / HTTP/1.1"),
    "no method that there is": _target(b"BREW / HTTP/1.1"),
    "a space before the method": _target(b" GET / HTTP/1.1"),
    "a tabulator behind the method": _target(b"GET\t/ HTTP/1.1"),
    "HTTP/2's preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a tunnel": _target(b"CONNECT a:80 HTTP/1.1"),
    "a host and port": _target(b"GET a:80 HTTP/1.1"),
    "a path without its slash": _target(b"GET healthz HTTP/1.1"),
    "a query alone": _target(b"GET ?x HTTP/1.1"),
    "another kind of URL": _target(b"GET mailto:a HTTP/1.1"),
    "a fragment": _target(b"GET /healthz#x HTTP/1.1"),
    "a URL's fragment": _target(b"GET http://a/healthz#x HTTP/1.1"),
    "eight bits": _target(b"GET /\xff HTTP/1.1"),
    "a control character": _target(b"GET /\x01 HTTP/1.1"),
    "HTTP/0.9": _target(b"GET / HTTP/0.9"),
    "HTTP/2.0": _target(b"GET / HTTP/2.0"),
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}
BODIES = {
    "LF behind a size": _chunked(b"3\nabc\r\n0\r\n\r\n"),
    "LF behind a chunk": _chunked(b"3\r\nabc\n0\r\n\r\n"),
    "LF at the end": _chunked(b"3\r\nabc\r\n0\r\n\n"),
    "two LF at the end": _chunked(b"3\r\nabc\r\n0\n\n"),
    "LF in a trailer": _chunked(b"3\r\nabc\r\n0\r\nx: y\n\r\n"),
    "nothing behind a chunk": _chunked(b"3\r\nabc0\r\n\r\n"),
    "a chunk that is too long": _chunked(b"3\r\nabcd\r\n0\r\n\r\n"),
    "no size": _chunked(b"\r\nabc\r\n0\r\n\r\n"),
    "a size in words": _chunked(b"three\r\nabc\r\n0\r\n\r\n"),
    "a size with a prefix": _chunked(b"0x3\r\nabc\r\n0\r\n\r\n"),
    "a size with a sign": _chunked(b"+3\r\nabc\r\n0\r\n\r\n"),
    "a negative size": _chunked(b"-3\r\nabc\r\n0\r\n\r\n"),
    "space before a size": _chunked(b" 3\r\nabc\r\n0\r\n\r\n"),
    "space behind a size": _chunked(b"3 \r\nabc\r\n0\r\n\r\n"),
    "a size over 64 bits": _chunked(b"10000000000000003\r\nabc\r\n0\r\n\r\n"),
    "LF in an extension": _chunked(b"3;a\nb\r\nabc\r\n0\r\n\r\n"),
    "CR in an extension": _chunked(b"3;a\rb\r\nabc\r\n0\r\n\r\n"),
    "NUL in an extension": _chunked(b"3;\0\r\nabc\r\n0\r\n\r\n"),
    "an extension's quote that does not end": _chunked(b'3;a="b\r\nabc\r\n0\r\n\r\n'),
    "a length in a trailer": _chunked(b"3\r\nabc\r\n0\r\ncontent-length: 5\r\n\r\n"),
    "a coding in a trailer": _chunked(b"3\r\nabc\r\n0\r\ntransfer-encoding: gzip\r\n\r\n"),
}
MALFORMED = FRAMINGS | CODINGS | LINE_ENDS | TARGETS | BODIES

STATUSES = dict.fromkeys(MALFORMED, 400) | dict.fromkeys(CODINGS, 501)
STATUSES |= {"a tunnel": 405, "HTTP/0.9": 505, "HTTP/2.0": 505, "two words": 505}
