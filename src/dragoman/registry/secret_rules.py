"""What a credential and extra headers must be to be sealed. Never quotes a value."""

import re
from collections.abc import Collection, Iterator, Mapping

from dragoman.domain.credential import GoogleAdc, Held, Placement, SecretReference
from dragoman.domain.errors import Problem
from dragoman.domain.grant import climbs
from dragoman.domain.labels import MAX_LABELS, label_problem
from dragoman.domain.llm import MAX_NAME_LENGTH
from dragoman.registry.asked import AskedCredential
from dragoman.vault.secret import Secret, header_problem, value_problem

MAX_HEADERS = 20
MAX_REFERENCE_LENGTH = 1024

_REFERENCE = re.compile(
    r"""
    env://[A-Za-z_][A-Za-z0-9_]*
  | file://(?:/[\w.@+-]+)+
  | vault://[\w.-]+(?:/[\w.@+-]+)+\#[\w.@+-]+
    """,
    re.ASCII | re.VERBOSE,
)
"""What a reference may look like; what it means, its source says."""

_GOOGLE_WORD = re.compile(r"[\w./:-]{1,255}", re.ASCII)
"""A scope or the id of a project."""

TOO_MUCH = f"must be at most {MAX_LABELS} pairs of short texts"

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}", re.ASCII)
"""A header's name (RFC 9110, section 5.6.2)."""

_REPEATABLE = re.compile("[A-Za-z-]{1,40}")
"""A name that is one at first sight: name and secret may have been taken for each other."""

OURS = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
        "cdn-loop",
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
    }
)
"""Headers that belong to one connection, or that the gateway writes itself."""

CREDENTIAL_HEADERS = frozenset(
    {"authorization", "api-key", "x-api-key", "x-goog-api-key", "cookie", "set-cookie"}
)
"""Headers for which there is the credential."""


def asked_problems(
    credential: AskedCredential | None, headers: Mapping[str, Secret | None]
) -> Iterator[Problem]:
    """Find what is wrong with what a request brings of secrets."""
    if credential is not None:
        yield from _credential_problems(credential)
    if len({name.lower() for name in headers}) < len(headers):
        yield Problem(("headers",), "must name each header only once, case aside", "duplicate")
    for name, value in headers.items():
        reason = header_name_problem(name)
        if reason is None and name.lower() in CREDENTIAL_HEADERS:
            reason = "carries a credential; register it as the credential instead"
        if reason is not None:
            # A name that is none is not repeated: somebody may have written a secret there.
            yield Problem(("headers",), f"one {reason}", "invalid_header")
        elif value is not None and (problem := value_problem(value)) is not None:
            path = ("headers", name) if _REPEATABLE.fullmatch(name) else ("headers",)
            yield Problem(path, problem, "invalid_secret")


def count_problems(headers: Collection[object]) -> Iterator[Problem]:
    """Find whether an LLM would have too many extra headers."""
    if len(headers) > MAX_HEADERS:
        yield Problem(("headers",), f"must be at most {MAX_HEADERS}", "too_big")


def header_name_problem(name: str) -> str | None:
    """Say why a secret cannot go into a header of this name, or None if it can."""
    if not _TOKEN.fullmatch(name):
        return "is not the name of a header"
    if name.lower() in OURS:
        return "is a header that only the gateway itself may write"
    return None


def reference_problem(uri: str) -> str | None:
    """Say why a text cannot name a secret that the operator holds, or None if it can."""
    if len(uri) > MAX_REFERENCE_LENGTH or not _REFERENCE.fullmatch(uri) or climbs(uri):
        return "must be env://NAME, file:///path or vault://mount/path#field"
    return None


def _held_problems(held: Held | None) -> Iterator[Problem]:
    match held:
        case SecretReference(uri=uri, hints=hints):
            problem = reference_problem(uri)
            if problem is not None:
                yield Problem(("credential", "held"), problem, "invalid_reference")
            if _too_much(hints):
                yield Problem(("credential", "held"), TOO_MUCH, "invalid_hints")
        case GoogleAdc(scopes=scopes, quota_project_id=project):
            texts = [*scopes, *([] if project is None else [project])]
            if len(texts) > MAX_LABELS or not all(_GOOGLE_WORD.fullmatch(text) for text in texts):
                message = "must be a few scopes and a project's id"
                yield Problem(("credential", "held"), message, "invalid_google_adc")
        case None:
            pass


def _too_much(texts: Mapping[str, str]) -> bool:
    return len(texts) > MAX_LABELS or any(label_problem(*each) for each in texts.items())


def _credential_problems(credential: AskedCredential) -> Iterator[Problem]:
    if credential.secret is not None:
        problem = header_problem(credential.secret)
        if problem is not None:
            yield Problem(("secret",), problem, "invalid_secret")
    yield from _held_problems(credential.held)
    if _too_much(credential.labels or {}):
        yield Problem(("credential", "labels"), TOO_MUCH, "invalid_label")
    place = credential.placement
    if place is not None:
        yield from _placement_problems(place)


def _placement_problems(place: Placement) -> Iterator[Problem]:
    problem = header_name_problem(place.header)
    if problem is None and place.header.lower() in {"cookie", "set-cookie"}:
        problem = "is not a header that carries an API key"
    if problem is not None:
        yield Problem(("credential", "header"), problem, "invalid_header")
    if len(place.prefix) > MAX_NAME_LENGTH or not (
        place.prefix.isascii() and (place.prefix + "x").isprintable()
    ):
        yield Problem(("credential", "prefix"), "must be short printable ASCII", "invalid_prefix")
