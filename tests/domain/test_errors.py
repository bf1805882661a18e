"""The tree of failures is the one that its module describes, and says whose fault each was."""

import re

import pytest

from dragoman.domain import errors
from dragoman.domain.errors import (
    CallerError,
    DragomanError,
    Invalid,
    Malformed,
    OperatorError,
    Problem,
    Unavailable,
    UpstreamError,
    UpstreamRefused,
    dotted,
)


def descendants(kind: type[DragomanError]) -> list[type[DragomanError]]:
    children = kind.__subclasses__()
    return [*children, *(below for child in children for below in descendants(child))]


KINDS = [kind for kind in descendants(DragomanError) if kind.__module__ == errors.__name__]


def drawn_tree() -> dict[str, str]:
    """Read each failure's parent from the drawing in the module's docstring."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        drawn = re.match(r"    ((?:│   |    )*)[├└]── (\w+)", line)
        if drawn:
            path[len(drawn[1]) // 4 :] = [drawn[2]]
            parents[drawn[2]] = path[-2] if len(path) > 1 else "DragomanError"
    return parents


def test_the_drawing_shows_every_failure_in_its_place() -> None:
    assert {kind.__name__: kind.__bases__[0].__name__ for kind in KINDS} == drawn_tree()


def test_every_failure_is_one_partys_fault() -> None:
    parties = (CallerError, UpstreamError, OperatorError)
    for kind in KINDS:
        assert sum(issubclass(kind, party) for party in parties) == 1, kind


def test_no_two_kinds_share_a_code() -> None:
    codes = [kind.code for kind in KINDS]
    assert len(set(codes)) == len(codes)


def test_a_code_of_its_own_stays_with_one_failure() -> None:
    assert Malformed("Not JSON.", code="invalid_json").code == "invalid_json"
    assert Malformed("Not JSON.").code == "malformed"


def test_a_message_is_also_the_exceptions_text() -> None:
    assert str(Unavailable("Try again.")) == Unavailable("Try again.").message == "Try again."


def test_invalid_names_every_member_at_fault() -> None:
    url = Problem(("urls", 0, "url"), "must name a host", "invalid_url")
    secret = Problem(("secret",), "is a mask", "invalid_secret")
    error = Invalid(url, secret)
    assert error.problems == (url, secret)
    assert error.message == "urls.0.url: must name a host; secret: is a mask"


def test_a_refusal_carries_what_it_means_to_the_caller() -> None:
    error = UpstreamRefused("Too many requests.", status=429, param="model", retry_after_s=7)
    assert (error.status, error.param, error.retry_after_s) == (429, "model", 7)
    assert error.code == "upstream_refused"


@pytest.mark.parametrize(
    ("path", "written"),
    [(("secret",), "secret"), (("urls", 0, "url"), "urls.0.url"), ((), "")],
)
def test_a_path_is_written_with_dots(path: tuple[str | int, ...], written: str) -> None:
    assert dotted(path) == written
