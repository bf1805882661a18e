"""What a query says, in each of its spellings."""

from urllib.parse import parse_qsl

import pytest

from dragoman.dialects.goodmem import queries
from dragoman.domain.errors import Invalid
from dragoman.domain.labels import Operator, Requirement

ID = "01999999-0000-7000-8000-000000000000"
NOTHING = queries.Filters(None, None, ())


def label(key: str, value: str) -> Requirement:
    return Requirement(key, Operator.IN, (value,))


def parsed(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True)


READ = [
    ("", NOTHING),
    (f"ownerId={ID}", NOTHING._replace(owner_id=ID)),
    (f"owner_id={ID}", NOTHING._replace(owner_id=ID)),
    (f"ownerId={ID.upper()}", NOTHING._replace(owner_id=ID)),
    ("providerType=VLLM", NOTHING._replace(provider_type="VLLM")),
    ("provider_type=vllm", NOTHING._replace(provider_type="VLLM")),
    ("providerType=Llama_Cpp", NOTHING._replace(provider_type="LLAMA_CPP")),
    ("label.env=prod", NOTHING._replace(labels=(label("env", "prod"),))),
    ("label[env]=prod", NOTHING._replace(labels=(label("env", "prod"),))),
    ("label%5Benv%5D=prod", NOTHING._replace(labels=(label("env", "prod"),))),
    ("label.env=", NOTHING._replace(labels=(label("env", ""),))),
    ("label.a.b=c", NOTHING._replace(labels=(label("a.b", "c"),))),
    ("label[a[b]]=c", NOTHING._replace(labels=(label("a[b]", "c"),))),
    ("label.a=1&label[b]=2", NOTHING._replace(labels=(label("a", "1"), label("b", "2")))),
    ("page=1&nameFilter=x&ownerid=x&labels.a=b&labelx=1", NOTHING),
]


@pytest.mark.parametrize(("query", "filters"), READ)
def test_every_spelling_is_read(query: str, filters: queries.Filters) -> None:
    assert queries.filters(parsed(query)) == filters


REFUSED = [
    ("ownerId=", "ownerId"),
    ("owner_id=me", "ownerId"),
    (f"ownerId={ID}&owner_id={ID}", "ownerId"),
    (f"ownerId={ID}&ownerId={ID}", "ownerId"),
    ("providerType=", "providerType"),
    ("providerType=AZURE", "providerType"),
    ("providerType=VLLM&provider_type=VLLM", "providerType"),
    ("label=env", "label"),
    ("label[env=prod", "label"),
    ("label.=x", "label"),
    ("label[]=x", "label"),
    ("label.a=1&label.a=1", "label"),
    ("label.a=1&label[a]=2", "label"),
    ("label.a=%00", "label"),
    ("label.a%20b=1", "label"),
    ("&".join(f"label.k{number}=1" for number in range(21)), "label"),
]


@pytest.mark.parametrize(("query", "name"), REFUSED)
def test_what_says_nothing_or_two_things_is_refused_by_its_name(query: str, name: str) -> None:
    with pytest.raises(Invalid) as refused:
        queries.filters(parsed(query))
    assert [problem.path for problem in refused.value.problems] == [(name,)]


@pytest.mark.parametrize(
    ("query", "is_asked_for"),
    [
        ("", False),
        ("includeCredentials=true", True),
        ("include_credentials=true", True),
        ("includeCredentials=false", False),
        ("includecredentials=true", False),
    ],
)
def test_credentials_are_asked_for_in_two_spellings(query: str, *, is_asked_for: bool) -> None:
    assert queries.includes_credentials(parsed(query)) is is_asked_for


@pytest.mark.parametrize(
    "query",
    [
        "includeCredentials=",
        "includeCredentials=1",
        "include_credentials=yes",
        "includeCredentials=true&include_credentials=true",
        "includeCredentials=true&includeCredentials=false",
    ],
)
def test_a_flag_that_says_nothing_or_two_things_is_refused(query: str) -> None:
    with pytest.raises(Invalid):
        queries.includes_credentials(parsed(query))
