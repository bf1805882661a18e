"""What a configuration must be to be stored, whichever dialect it came through.

Paths of problems use the domain's names; each dialect writes them in its own.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

import msgspec

from dragoman.domain.errors import Invalid, Problem
from dragoman.domain.ids import is_id
from dragoman.domain.labels import MAX_LABELS, label_problem
from dragoman.domain.llm import LLM, MAX_NAME_LENGTH, Configuration, ProtocolName
from dragoman.domain.ports import EndpointPolicy
from dragoman.domain.url import url_problem
from dragoman.registry.asked import KEPT, Draft, Edit
from dragoman.registry.secret_rules import asked_problems

MAX_DESCRIPTION_LENGTH = 10_000
MAX_JSON_BYTES = 64 * 1024
"""Of metadata, and of client_config. A list shows many LLMs at once, and each of them whole."""
MAX_TAGS = 100
MAX_ENDPOINTS = 20
MAX_URL_LENGTH = 2048
MAX_TOKENS_LIMIT = 2**31 - 1
MAX_STOP_SEQUENCES = 64
MAX_TIMEOUT_S = 86_400

LONGEST = {
    "display_name": MAX_NAME_LENGTH,
    "model": MAX_NAME_LENGTH,
    "description": MAX_DESCRIPTION_LENGTH,
    "deployment_name": MAX_NAME_LENGTH,
    "api_version": MAX_NAME_LENGTH,
    "version": MAX_NAME_LENGTH,
    "monitoring_endpoint": MAX_URL_LENGTH,
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
NEVER_EMPTY = frozenset({"display_name", "model"})

SAMPLING_RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "temperature": (0, 2),
        "max_tokens": (1, MAX_TOKENS_LIMIT),
        "top_p": (0, 1),
        "top_k": (1, MAX_TOKENS_LIMIT),
        "frequency_penalty": (-2, 2),
        "presence_penalty": (-2, 2),
    }
)


def draft_problems(draft: Draft, policy: EndpointPolicy) -> Iterator[Problem]:
    """Find everything that is wrong with a new LLM, all at once."""
    carries = draft.credential is not None or bool(draft.headers)
    yield from configuration_problems(draft.configuration, policy, carries_credential=carries)
    yield from asked_problems(draft.credential, draft.headers)
    for member in ("llm_id", "owner_id"):
        chosen = getattr(draft, member)
        if chosen is not None and not is_id(chosen):
            yield Problem((member,), "must be a UUID in lower case", "invalid_id")


def edit_problems(
    current: LLM, proposed: LLM, edit: Edit, members: tuple[str, ...], policy: EndpointPolicy
) -> Iterator[Problem]:
    """Find everything that is wrong with a change.

    Only what changes is judged: a URL that a later policy refuses does not stand in the way of a
    new display name.
    """
    brings_secret = edit.credential is not KEPT and edit.credential is not None
    brings_secret = brings_secret or any(edit.headers.values())
    judged = set(members)
    if brings_secret or "protocol" in members:
        judged.add("endpoints")
    carries = brings_secret or current.credential is not None or bool(current.headers)
    problems = configuration_problems(proposed.configuration, policy, carries_credential=carries)
    yield from (problem for problem in problems if problem.path[0] in judged)
    asked = None if edit.credential is KEPT else edit.credential
    yield from asked_problems(asked, edit.headers)


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
        elif text is not None and "\0" in text:
            # PostgreSQL has no texts with it.
            yield Problem((name,), "must not contain the character NUL", "invalid_string")
    yield from _collection_problems(configuration)
    yield from _number_problems(configuration)
    yield from _endpoint_problems(configuration, policy, carries_credential=carries_credential)


def require_name(name: str) -> None:
    """Check the name of an organization, principal or key; raises Invalid."""
    if not 1 <= len(name.strip()) <= MAX_NAME_LENGTH or not name.isprintable():
        raise Invalid(
            Problem(("name",), f"must be 1 to {MAX_NAME_LENGTH} printable characters", "invalid")
        )


def _collection_problems(configuration: Configuration) -> Iterator[Problem]:
    yield from _list_problems("tags", configuration.tags, MAX_TAGS)
    for name in ("metadata", "client_config"):
        if len(msgspec.json.encode(getattr(configuration, name))) > MAX_JSON_BYTES:
            yield Problem((name,), f"must be at most {MAX_JSON_BYTES} bytes as JSON", "too_big")
    if len(configuration.labels) > MAX_LABELS:
        yield Problem(("labels",), f"must be at most {MAX_LABELS}", "too_big")
    for key, value in configuration.labels.items():
        problem = label_problem(key, value)
        if problem is not None:
            yield Problem(("labels",), problem, "invalid_label")
            break
    if len(set(configuration.modalities)) < len(configuration.modalities):
        yield Problem(("modalities",), "must name each only once", "duplicate")


def _list_problems(name: str, texts: Iterable[str], most: int) -> Iterator[Problem]:
    found = tuple(texts)
    if len(found) > most or any(len(text) > MAX_NAME_LENGTH for text in found):
        message = f"must be at most {most} of at most {MAX_NAME_LENGTH} characters"
        yield Problem((name,), message, "too_big")


def _number_problems(configuration: Configuration) -> Iterator[Problem]:
    for name, (least, most) in SAMPLING_RANGES.items():
        number = getattr(configuration.sampling, name)
        if number is not None and not least <= number <= most:
            yield Problem(("sampling", name), f"must be from {least} to {most}", "out_of_range")
    stops = configuration.sampling.stop_sequences
    for problem in _list_problems("stop_sequences", stops, MAX_STOP_SEQUENCES):
        yield problem._replace(path=("sampling", *problem.path))
    length = configuration.max_context_length
    if length is not None and not 1 <= length <= MAX_TOKENS_LIMIT:
        message = f"must be from 1 to {MAX_TOKENS_LIMIT}"
        yield Problem(("max_context_length",), message, "out_of_range")
    for name in configuration.timeouts.__struct_fields__:
        seconds = getattr(configuration.timeouts, name)
        if seconds is not None and not 0 < seconds <= MAX_TIMEOUT_S:
            message = f"must be more than 0 and at most {MAX_TIMEOUT_S} seconds"
            yield Problem(("timeouts", name), message, "out_of_range")


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
