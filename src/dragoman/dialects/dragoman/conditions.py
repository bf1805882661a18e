"""Conditional requests (RFC 9110, section 13): which revision the caller means."""

import re
from typing import Annotated

from fastapi import Depends, Request
from msgspec import Struct

from dragoman.domain.errors import Invalid, PreconditionFailed, Problem

_TAG_TEXT = r'"[\x21\x23-\x7e\x80-\xff]*"'
_TAG = re.compile(f"(W/)?({_TAG_TEXT})")
_LIST = re.compile(rf"[ \t]*(?:(?:W/)?{_TAG_TEXT}[ \t]*)?(?:,[ \t]*(?:(?:W/)?{_TAG_TEXT}[ \t]*)?)*")
"""Tags and commas between them; empty elements are let pass (RFC 9110, section 5.6.1)."""
_ANY = frozenset({"*"})


def etag(revision: int) -> str:
    """Write a revision as a strong validator."""
    return f'"{revision}"'


class Conditions(Struct, frozen=True):
    """What the headers of a request ask of the revision that is there."""

    if_match: frozenset[str] | None = None
    """Strong tags, or '*'; None where nothing is asked."""
    if_none_match: frozenset[str] | None = None

    def allow_write(self, revision: int) -> bool:
        """Tell whether what has this revision may be changed."""
        return self._is_expected(revision) and not self._is_known(revision)

    def is_unchanged(self, revision: int) -> bool:
        """Tell whether a reader has this revision already. Raises PreconditionFailed."""
        if not self._is_expected(revision):
            raise PreconditionFailed("The LLM has another revision than If-Match names.")
        return self._is_known(revision)

    def _is_expected(self, revision: int) -> bool:
        return self.if_match is None or bool(self.if_match & {"*", etag(revision)})

    def _is_known(self, revision: int) -> bool:
        return self.if_none_match is not None and bool(self.if_none_match & {"*", etag(revision)})


def _read(request: Request) -> Conditions:
    return Conditions(
        _tags(request, "If-Match", weak_count=False),
        _tags(request, "If-None-Match", weak_count=True),
    )


Conditional = Annotated[Conditions, Depends(_read)]
"""The conditions of a request, in a route's parameters."""


def _tags(request: Request, header: str, *, weak_count: bool) -> frozenset[str] | None:
    """Read a list of tags; weak ones are the same only where they are compared weakly."""
    lines = request.headers.getlist(header)
    if not lines:
        return None
    text = ",".join(lines)
    if text.strip() == "*":
        return _ANY
    found = _LIST.fullmatch(text) and _TAG.findall(text)
    if not found:
        raise Invalid(
            Problem(
                (header,),
                'must be entity tags as the ETag header gives them, such as "17", or *',
                "invalid_etag",
            )
        )
    return frozenset(tag for weak, tag in found if weak_count or not weak)
