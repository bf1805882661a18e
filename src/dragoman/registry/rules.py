"""What a configuration must be to be stored, whichever dialect it came through.

Paths of problems use the domain's names; each dialect writes them in its own.
"""

from collections.abc import Iterator

from dragoman.domain.errors import Problem
from dragoman.domain.llm import MAX_NAME_LENGTH, Configuration, ProtocolName
from dragoman.domain.ports import EndpointPolicy
from dragoman.domain.url import url_problem
from dragoman.vault.secret import Secret, header_problem

MAX_ENDPOINTS = 20
MAX_URL_LENGTH = 2048
MAX_TOKENS_LIMIT = 2**31 - 1
MAX_TEMPERATURE = 2.0


def configuration_problems(
    configuration: Configuration, policy: EndpointPolicy, *, carries_credential: bool
) -> Iterator[Problem]:
    """Find everything that is wrong with a configuration, all at once."""
    for name in ("display_name", "model"):
        text = getattr(configuration, name)
        if not text.strip():
            yield Problem((name,), "must not be empty", "too_small")
        elif len(text) > MAX_NAME_LENGTH:
            yield Problem((name,), f"must have at most {MAX_NAME_LENGTH} characters", "too_big")
    temperature = configuration.temperature
    if temperature is not None and not 0 <= temperature <= MAX_TEMPERATURE:
        yield Problem(("temperature",), f"must be from 0 to {MAX_TEMPERATURE:g}", "out_of_range")
    max_tokens = configuration.max_tokens
    if max_tokens is not None and not 1 <= max_tokens <= MAX_TOKENS_LIMIT:
        yield Problem(("max_tokens",), f"must be from 1 to {MAX_TOKENS_LIMIT}", "out_of_range")
    yield from _endpoint_problems(configuration, policy, carries_credential=carries_credential)


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
    for index, endpoint in enumerate(configuration.endpoints):
        reason = _url_reason(endpoint.url, policy, carries_credential=carries_credential)
        if reason is not None:
            yield Problem(("endpoints", index, "url"), reason, "invalid_url")


def _url_reason(url: str, policy: EndpointPolicy, *, carries_credential: bool) -> str | None:
    if len(url) > MAX_URL_LENGTH:
        return f"must have at most {MAX_URL_LENGTH} characters"
    return url_problem(url) or policy.url_refusal(url, carries_credential=carries_credential)
