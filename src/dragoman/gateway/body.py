"""Reading a caller's body: as far as it is acted on, and no further.

The members stay raw: what is not acted on goes to the upstream byte for byte as it came.
"""

import re
from itertools import accumulate

import msgspec

from dragoman.domain.errors import Invalid, Malformed, Problem

MAX_DEPTH = 64
SLICE_BYTES = 64 * 1024

_DECODER = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT_DECODER = msgspec.json.Decoder(str)
_KEY = re.compile(rb'[ \t\n\r]*("[^"\\]*(?:\\.[^"\\]*)*")[ \t\n\r]*:[ \t\n\r]*')
_MARK = re.compile(rb"[ \t\n\r]*([,}])")
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in _STEPS)


def read_members(body: bytes) -> dict[str, msgspec.Raw]:
    """Take a JSON object's top level apart.

    Raises Malformed for what is not an object in valid UTF-8 JSON, for a name that stands twice,
    and for nesting deeper than MAX_DEPTH.
    """
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError:
            raise Malformed("The body is not valid UTF-8.", code="invalid_json") from None
    if _may_be_too_deep(body) and _depth(body) > MAX_DEPTH:
        raise Malformed(f"The body is nested deeper than {MAX_DEPTH} levels.", code="too_deep")
    try:
        members = _DECODER.decode(body)
    except msgspec.ValidationError:
        raise Malformed("The body must be a JSON object.", code="invalid_json") from None
    except (msgspec.DecodeError, RecursionError):
        raise Malformed("The body is not valid JSON.", code="invalid_json") from None
    if members and _repeats_names(body, members):
        raise Malformed("The body has a member twice.", code="duplicate_member")
    return members


def read_text(members: dict[str, msgspec.Raw], name: str) -> str:
    """Give a member that must be a text; raises Invalid where it is missing or is none."""
    raw = members.get(name)
    try:
        text = _TEXT_DECODER.decode(raw) if raw is not None else ""
    except msgspec.DecodeError:
        raise Invalid(Problem((name,), "must be a string", "invalid_type")) from None
    if not text or "\0" in text:
        raise Invalid(Problem((name,), "must be a string that is not empty", "invalid_value"))
    return text


def _may_be_too_deep(body: bytes) -> bool:
    """Rule out deep nesting by the number of brackets; most bodies go no further.

    Where there are few, leaving them out takes a third of the time of counting them.
    """
    most = MAX_DEPTH + 1
    without = len(body.replace(b"[", b"", most)) + len(body.replace(b"{", b"", most))
    return 2 * len(body) - without > MAX_DEPTH


def _depth(body: bytes) -> int:
    """Measure how deep valid JSON is nested; of invalid JSON it says nothing.

    Without escapes, every second piece between quotation marks is outside of a string. Goes by
    slices, between which other threads have their turn.
    """
    deepest = depth = start = 0
    is_in_string = False
    while start < len(body) and deepest <= MAX_DEPTH:
        end = start + SLICE_BYTES
        while body[end - 1 : end] == b"\\":
            end += 1  # an escape is not cut in two
        plain = body[start:end].replace(b"\\\\", b"").replace(b'\\"', b"")
        pieces = plain.split(b'"')
        outside = b"".join(pieces[is_in_string::2])
        steps = accumulate(map(_STEPS.__getitem__, outside.translate(None, _NOT_BRACKETS)))
        depths = [depth + step for step in steps]
        deepest = max(deepest, *depths, depth)
        depth = depths[-1] if depths else depth
        is_in_string ^= len(pieces) % 2 == 0
        start = end
    return deepest


def _repeats_names(body: bytes, members: dict[str, msgspec.Raw]) -> bool:
    """Walk over the top level of valid JSON beside what was decoded, and compare the two.

    Of a name that stands twice, the first place and the last value were kept, so that the walk
    stumbles. It skips each value by its length, and a compact body in one comparison.
    """
    if len(msgspec.json.encode(members)) == len(body):
        return False  # writing members again never makes them longer: none was dropped
    at = body.index(b"{") + 1
    end = b""
    for name, value in members.items():
        key = _KEY.match(body, at)
        if key is None or _TEXT_DECODER.decode(key[1]) != name:
            return True
        if not body.startswith(value, key.end()):
            return True
        mark = _MARK.match(body, key.end() + len(bytes(value)))
        if mark is None:
            return True
        at, end = mark.end(), mark[1]
    return end != b"}"
