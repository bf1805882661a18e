"""What holds for whatever bytes an upstream sends, and however the network cuts them."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import h11

from dragoman.upstream.answer import Answer, AnswerBroken, AnswerLimits

LIMITS = AnswerLimits(answer=2000, line=100)
"""Small, so that they are reached."""


class Whole(NamedTuple):
    """An answer that is complete."""

    status: int
    body: bytes


class LawBroken(Exception):
    """The response path did what it must never do."""


def holds(wire: bytes, sizes: bytes) -> None:
    """Check the laws on an upstream that sends these bytes and closes.

    The answer is whole or broken, and nothing else; how the bytes are cut does not matter; and
    what counts as whole is read alike by another parser.
    """
    at_once, in_pieces = read([wire]), read(cut(wire, sizes))
    if at_once != in_pieces:
        raise LawBroken(f"at once it is {at_once!r}, in pieces {in_pieces!r}")
    if at_once is None:
        return
    theirs = read_by_h11(wire)
    if theirs != at_once and (theirs is not None or not _TOO_MUCH_FOR_H11.search(wire)):
        raise LawBroken(f"we read {at_once!r}, h11 reads {theirs!r}")


def cut(wire: bytes, sizes: bytes) -> Iterator[bytes]:
    """Cut into pieces of these sizes and a rest; a piece has one byte at least."""
    start = 0
    for size in sizes:
        if start < len(wire):
            yield wire[start : start + size + 1]
        start += size + 1
    if start < len(wire):
        yield wire[start:]


def read(pieces: Iterable[bytes]) -> Whole | None:
    """Read an answer as a connection does; None if it is broken."""
    answer = Answer(LIMITS)
    try:
        for piece in pieces:
            answer.feed(piece)
            if answer.complete:
                break
        if not answer.complete:
            answer.end()
    except AnswerBroken:
        if answer.complete:
            raise LawBroken("it is complete and broken") from None
        return None
    if not answer.complete:
        raise LawBroken("it is neither complete nor broken")
    return Whole(answer.status, answer.take())


_STATUS_LINE = re.compile(rb"[\r\n]*(HTTP/1\.[01] (1?)\d+)[^\r\n]*")
_TOO_MUCH_FOR_H11 = re.compile(rb"\n0{10}")
"""It takes no more than 20 digits for the size of a chunk, zeros in front of it included."""
_HEAD_END = re.compile(rb"\r\n\r\n")


def as_h11_likes_it(wire: bytes) -> bytes:
    """Leave out what we overlook and h11 does not: empty lines before a head, and its phrase."""
    at = 0
    while line := _STATUS_LINE.match(wire, at):
        wire = wire[:at] + line[1] + b" -" + wire[line.end() :]
        head_end = _HEAD_END.search(wire, at)
        if not line[2] or head_end is None:
            break
        at = head_end.end()  # it is an interim one
    return wire


def read_by_h11(wire: bytes) -> Whole | None:
    """Read an answer with another parser; None if it does not take it for one."""
    http = h11.Connection(h11.CLIENT, max_incomplete_event_size=1_000_000)
    http.send(h11.Request(method="POST", target="/", headers=[("host", "x")]))
    http.send(h11.EndOfMessage())
    status, body = 0, b""
    try:
        http.receive_data(as_h11_likes_it(wire))
        http.receive_data(b"")
        while not isinstance(event := http.next_event(), h11.EndOfMessage):
            match event:
                case h11.Response(status_code=status):
                    pass
                case h11.Data(data=data):
                    body += data
                case h11.InformationalResponse():
                    pass
                case _:
                    return None
    except h11.RemoteProtocolError:
        return None
    return Whole(status, body)
