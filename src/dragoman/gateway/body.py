"""Reading a caller's body: as far as it is acted on, and no further.

The members stay raw: what is not acted on goes to the upstream byte for byte as it came.
"""

import json
from itertools import accumulate

import msgspec

from dragoman.domain.errors import Invalid, Malformed, Problem

MAX_DEPTH = 64

_DECODER = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT_DECODER = msgspec.json.Decoder(str)
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
    if _may_repeat_names(body, members) and _repeats_names(body):
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
    """Rule out deep nesting at the speed of counting; short bodies go no further."""
    return body.count(b"[") + body.count(b"{") > MAX_DEPTH


def _depth(body: bytes) -> int:
    """Measure how deep valid JSON is nested; of invalid JSON it says nothing.

    Without escapes, every second piece between quotation marks is outside of a string.
    """
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    outside = b"".join(plain.split(b'"')[::2])
    brackets = outside.translate(None, _NOT_BRACKETS)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)


def _may_repeat_names(body: bytes, members: dict[str, msgspec.Raw]) -> bool:
    """Rule out repeated names cheaply: a compact body that lost nothing keeps its length.

    Writing the members again never makes them longer, so an equal length means that none was
    dropped. White space between members, or an escape in a name, makes it shorter and says
    nothing.
    """
    return len(msgspec.json.encode(members)) != len(body)


def _repeats_names(body: bytes) -> bool:
    """Read the whole body to be sure; numbers stay texts, because their size does not matter."""
    pairs = json.loads(body, object_pairs_hook=list, parse_int=str, parse_float=str)
    return len({name for name, _ in pairs}) != len(pairs)
