"""What may be granted: which secrets, and to be sent to which origins."""

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from dragoman.domain.errors import Problem
from dragoman.domain.grant import EVERYTHING_BELOW, GOOGLE_ADC, climbs, is_google
from dragoman.domain.url import Origin, parse_origin, url_problem
from dragoman.registry.held import NOT_GOOGLE
from dragoman.registry.secret_rules import MAX_REFERENCE_LENGTH, reference_problem

MAX_ORIGINS = 100

ALL_OF_GOOGLE = "https://*.googleapis.com:443"

EXPECTED = (
    "must be env://NAME, file:///path, file:///folder/*, vault://mount/path#field, "
    "vault://mount/path/* or google-adc"
)

_FOLDER = re.compile(
    r"file://(?:/[\w.@+-]+)+/\*|vault://[\w.-]+(?:/[\w.@+-]+)*/\*",
    re.ASCII,
)
_OURS = "env://dragoman_"
_PORT = re.compile(r":[0-9]+\Z", re.ASCII)


def secret_problem(secret: str, private: Iterable[str]) -> str | None:
    """Say why nobody may be granted this, or None if it can be.

    `private` are absolute paths of files and folders that nobody but the operator may read.
    """
    if secret == GOOGLE_ADC:
        return None
    is_folder = len(secret) <= MAX_REFERENCE_LENGTH and _FOLDER.fullmatch(secret) is not None
    if climbs(secret) or not (is_folder or reference_problem(secret) is None):
        return EXPECTED
    if secret.lower().startswith(_OURS):
        return "is a variable of Dragoman itself, which no LLM may be sent"
    if secret.startswith("file://") and _touches(secret.removeprefix("file://"), private):
        return "reaches Dragoman's data directory or key file, or a token of its own"
    return None


def _touches(path: str, private: Iterable[str]) -> bool:
    """Tell whether a file, or what is below a folder, is private."""
    granted = PurePosixPath(path.removesuffix(EVERYTHING_BELOW))
    is_folder = path.endswith(EVERYTHING_BELOW)
    return any(
        granted.is_relative_to(each) or (is_folder and PurePosixPath(each).is_relative_to(granted))
        for each in private
    )


def origins_problems(secret: str, origins: tuple[str, ...]) -> Iterator[Problem]:
    """Find what is wrong with where a secret is to be sent."""
    if not origins and secret != GOOGLE_ADC:
        yield Problem(("origins",), "must name at least one, such as https://host", "too_small")
    if len(origins) > MAX_ORIGINS:
        yield Problem(("origins",), f"must be at most {MAX_ORIGINS}", "too_big")
        return
    for index, text in enumerate(origins):
        try:
            origin = _origin(text)
        except ValueError as error:
            yield Problem(("origins", index), str(error), "invalid_origin")
            continue
        if secret == GOOGLE_ADC and not is_google(origin):
            yield Problem(("origins", index), NOT_GOOGLE, "not_google")


def normalized(secret: str, origins: Iterable[str]) -> tuple[str, ...]:
    """Write valid origins as they are compared; where Google's have none, all of Google's."""
    written = tuple(sorted({str(_origin(text)) for text in origins}))
    return (ALL_OF_GOOGLE,) if secret == GOOGLE_ADC and not written else written


def _origin(text: str) -> Origin:
    """Read an origin, or a wildcard of origins. Raises ValueError, which says what is wrong."""
    scheme, _, rest = text.partition("://")
    is_wildcard = rest.startswith("*.")
    url = f"{scheme}://{rest.removeprefix('*.')}"
    problem = url_problem(url)
    if problem is None and not {"/", "?"}.isdisjoint(rest):
        problem = "must end with the host or its port, without a path"
    if problem is not None:
        raise ValueError(problem)
    origin = parse_origin(url)
    if origin.scheme == "http" and (is_wildcard or not _PORT.search(rest)):
        raise ValueError("must be https, or http of one host with its port written out")
    if not is_wildcard:
        return origin
    if ":" in origin.host or "." not in origin.host.rstrip("."):
        raise ValueError("must have a domain of two names or more behind '*.'")
    return origin._replace(host=f"*.{origin.host}")
