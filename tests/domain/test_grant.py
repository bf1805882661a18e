"""What a grant allows: just these secrets, sent to just these origins."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dragoman.domain.credential import GoogleAdc, Held, SecretReference
from dragoman.domain.grant import GOOGLE_ADC, Grant, climbs, is_granted, name_of
from dragoman.domain.url import Origin

KEY = SecretReference("env://KEY")
OPENAI = "https://api.openai.com:443"


def granted(secret: str, *origins: str) -> Grant:
    return Grant("grant", "org", secret, origins, 1)


# --- Which secrets ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("secret", "held"),
    [
        ("env://KEY", KEY),
        ("env://KEY", SecretReference("env://KEY", {"version": "2"})),
        ("file:///run/team/*", SecretReference("file:///run/team/key")),
        ("file:///run/team/*", SecretReference("file:///run/team/deep/er/key")),
        ("file:///run/team/*", SecretReference("file:///run/team/..key")),
        ("vault://kv/team/*", SecretReference("vault://kv/team/one#key")),
        ("vault://kv/team#key", SecretReference("vault://kv/team#key")),
        (GOOGLE_ADC, GoogleAdc()),
        (GOOGLE_ADC, GoogleAdc(("https://www.googleapis.com/auth/x",), "project")),
    ],
)
def test_a_secret_that_is_named_may_be_used(secret: str, held: Held) -> None:
    assert is_granted([granted(secret, OPENAI)], held, [OPENAI])


@pytest.mark.parametrize(
    ("secret", "held"),
    [
        ("env://KEY", SecretReference("env://KEYS")),
        ("env://KEY", SecretReference("env://key")),
        ("env://KEY", GoogleAdc()),
        (GOOGLE_ADC, KEY),
        ("file:///run/team/*", SecretReference("file:///run/team")),
        ("file:///run/team/*", SecretReference("file:///run/teams/key")),
        ("file:///run/team/*", SecretReference("file:///run/team/../kek")),
        ("file:///run/team/*", SecretReference("file:///run/team/deep/../../kek")),
        ("file:///run/team/*", SecretReference("file:///run/team/..")),
        ("vault://kv/team/*", SecretReference("vault://kv/team#key")),
        ("vault://kv/team/*", SecretReference("vault://kv/team/..#key")),
        ("vault://kv/team/*", SecretReference("vault://kv/team/.#key")),
        ("vault://kv/team/*", SecretReference("vault://kv/team/../other#key")),
        ("vault://kv/team#key", SecretReference("vault://kv/team#other")),
    ],
)
def test_a_secret_that_is_not_named_may_not(secret: str, held: Held) -> None:
    assert not is_granted([granted(secret, OPENAI)], held, [OPENAI])


steps = st.sampled_from(["a", "b", "..", ".", "...", "a..b", "team", "run"])


@given(path=st.lists(steps, min_size=1, max_size=6))
@example(path=["run", "team", ".."])
def test_no_path_leads_out_of_the_folder_that_is_granted(path: list[str]) -> None:
    uri = "file:///" + "/".join(path)
    at: list[str] = []
    for step in path:
        at = at[:-1] if step == ".." else at if step == "." else [*at, step]
    may = is_granted([granted("file:///run/team/*", OPENAI)], SecretReference(uri), [OPENAI])
    assert not may or at[:2] == ["run", "team"]
    assert climbs(uri) is not {".", ".."}.isdisjoint(path)


# --- Where they may go -----------------------------------------------------------------------

names = st.sampled_from(
    ["example", "com", "evil", "evilexample", "api", "xn--a", "a-b", "127", "0"]
)
hosts = st.lists(names, min_size=1, max_size=4).map(".".join)
ports = st.sampled_from([443, 80, 8443])
origins = st.builds(Origin, st.sampled_from(["http", "https"]), hosts, ports)
wildcards = origins.map(lambda origin: origin._replace(host=f"*.{origin.host}"))


def is_below(host: str, parent: str) -> bool:
    """Tell by labels, from the right, whether a host is within another's domain, and not it."""
    labels, above = host.split("."), parent.split(".")
    return len(labels) > len(above) and labels[-len(above) :] == above


@given(granted_to=origins, origin=origins)
def test_an_origin_is_reached_only_where_it_is_the_granted_one(
    granted_to: Origin, origin: Origin
) -> None:
    assert granted("env://KEY", str(granted_to)).reaches(str(origin)) is (granted_to == origin)


@given(wildcard=wildcards, origin=origins)
@example(Origin("https", "*.example.com", 443), Origin("https", "example.com", 443))
@example(Origin("https", "*.example.com", 443), Origin("https", "evilexample.com", 443))
@example(Origin("https", "*.example.com", 443), Origin("https", "example.com.evil", 443))
@example(Origin("https", "*.example.com", 443), Origin("http", "a.example.com", 443))
@example(Origin("https", "*.example.com", 443), Origin("https", "a.example.com", 8443))
def test_a_wildcard_reaches_what_is_below_it_and_nothing_beside(
    wildcard: Origin, origin: Origin
) -> None:
    expected = (
        is_below(origin.host, wildcard.host.removeprefix("*."))
        and origin.scheme == wildcard.scheme
        and origin.port == wildcard.port
    )
    assert granted("env://KEY", str(wildcard)).reaches(str(origin)) is expected


@given(
    granted_to=st.lists(st.lists(origins | wildcards, max_size=2), max_size=3),
    wanted=st.lists(origins, max_size=3),
)
def test_grants_of_one_secret_add_up_and_those_of_another_do_not(
    granted_to: list[list[Origin]], wanted: list[Origin]
) -> None:
    """An LLM may be sent a secret to all its origins, or it may not use it."""
    grants = [granted("env://KEY", *map(str, each)) for each in granted_to]
    others = [granted("env://OTHER", *map(str, wanted))]
    reached = {str(o) for o in wanted if any(grant.reaches(str(o)) for grant in grants)}
    expected = bool(grants) and reached == {str(origin) for origin in wanted}
    assert is_granted([*others, *grants], KEY, map(str, wanted)) is expected


def test_without_a_grant_nothing_may_be_used_even_nowhere() -> None:
    assert not is_granted([], KEY, [])
    assert is_granted([granted("env://KEY", OPENAI)], KEY, [])


@pytest.mark.parametrize("held", [KEY, GoogleAdc(("s",)), SecretReference("vault://kv/a#b")])
def test_a_grant_of_a_secrets_own_name_names_it(held: Held) -> None:
    assert granted(name_of(held)).names(held)
