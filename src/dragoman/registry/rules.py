"""What a configuration must be to be stored, whichever dialect it came through.

Paths of problems use the domain's names; each dialect writes them in its own.
"""

import re
from collections.abc import Iterator

import msgspec

from dragoman.domain.errors import Problem
from dragoman.domain.llm import MAX_NAME_LENGTH, Configuration, ProtocolName
from dragoman.domain.ports import EndpointPolicy
from dragoman.domain.url import url_problem
from dragoman.vault.secret import Secret, header_problem

MAX_DESCRIPTION_LENGTH = 10_000
MAX_METADATA_BYTES = 64 * 1024
"""As JSON. A list shows many LLMs at once, and each of them whole."""
MAX_TAGS = 100
MAX_ENDPOINTS = 20
MAX_URL_LENGTH = 2048
MAX_TOKENS_LIMIT = 2**31 - 1
MAX_TEMPERATURE = 2.0


LONGEST = {
    "display_name": MAX_NAME_LENGTH,
    "model": MAX_NAME_LENGTH,
    "description": MAX_DESCRIPTION_LENGTH,
    "deployment_name": MAX_NAME_LENGTH,
    "api_version": MAX_NAME_LENGTH,
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
NEVER_EMPTY = frozenset({"display_name", "model"})


def configuration_problems(
    configuration: Configuration, policy: EndpointPolicy, *, carries_credential: bool
) -> Iterator[Problem]:
    """Find everything that is wrong with a configuration, all at once."""
    for name, longest in LONGEST.items():
        text = getattr(configuration, name)
        if text is not None and not text.strip() and name in NEVER_EMPTY:
            yield Problem((name,), "must not be empty", "too_small")
        elif text is not None and len(text) > longest:
            yield Problem((name,), f"must have at most {longest} characters", "too_big")
        elif name in NEVER_EMPTY and _CONTROL.search(text):
            yield Problem((name,), "must not contain control characters", "invalid_string")
    yield from _collection_problems(configuration)
    temperature = configuration.temperature
    if temperature is not None and not 0 <= temperature <= MAX_TEMPERATURE:
        yield Problem(("temperature",), f"must be from 0 to {MAX_TEMPERATURE:g}", "out_of_range")
    max_tokens = configuration.max_tokens
    if max_tokens is not None and not 1 <= max_tokens <= MAX_TOKENS_LIMIT:
        yield Problem(("max_tokens",), f"must be from 1 to {MAX_TOKENS_LIMIT}", "out_of_range")
    yield from _endpoint_problems(configuration, policy, carries_credential=carries_credential)


def _collection_problems(configuration: Configuration) -> Iterator[Problem]:
    tags = configuration.tags
    if len(tags) > MAX_TAGS or any(len(tag) > MAX_NAME_LENGTH for tag in tags):
        yield Problem(
            ("tags",),
            f"must be at most {MAX_TAGS} of at most {MAX_NAME_LENGTH} characters",
            "too_big",
        )
    if len(msgspec.json.encode(configuration.metadata)) > MAX_METADATA_BYTES:
        yield Problem(
            ("metadata",), f"must be at most {MAX_METADATA_BYTES} bytes as JSON", "too_big"
        )


def secret_problems(secret: Secret) -> Iterator[Problem]:
    """Find what is wrong with a secret, without ever quoting it."""
    problem = header_problem(secret)
    if problem is not None:
        yield Problem(("secret",), problem, "invalid_secret")


def _endpoint_problems(
    configuration: Configuration, policy: EndpointPolicy, *, carries_credential: bool
) -> Iterator[Problem]:
    count = len(configuration.endpoints)
    if count == 0 and configuration.protocol is not ProtocolName.NONE:
        yield Problem(("endpoints",), "must hold at least one URL", "too_small")
    if count > MAX_ENDPOINTS:
        yield Problem(("endpoints",), f"must hold at most {MAX_ENDPOINTS} URLs", "too_big")
        return
    for index, endpoint in enumerate(configuration.endpoints):
        reason = _url_reason(endpoint.url, policy, carries_credential=carries_credential)
        if reason is not None:
            yield Problem(("endpoints", index, "url"), reason, "invalid_url")
        if len(endpoint.region or "") > MAX_NAME_LENGTH:
            message = f"must have at most {MAX_NAME_LENGTH} characters"
            yield Problem(("endpoints", index, "region"), message, "too_big")


def _url_reason(url: str, policy: EndpointPolicy, *, carries_credential: bool) -> str | None:
    if len(url) > MAX_URL_LENGTH:
        return f"must have at most {MAX_URL_LENGTH} characters"
    return url_problem(url) or policy.url_refusal(url, carries_credential=carries_credential)
