"""Keyed digests: equal connections are equal digests, and nothing else is."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.domain.credential import (
    Credential,
    GoogleAdc,
    Held,
    Placement,
    SecretReference,
)
from dragoman.domain.errors import CredentialUnusable
from dragoman.domain.llm import LLM, ProtocolName, Provider
from dragoman.domain.url import Endpoint
from dragoman.vault.digests import BINDING, Digests, new_digest_key
from dragoman.vault.envelope import Vault
from dragoman.vault.keys import Keyring
from dragoman.vault.secret import Secret
from tests.storage.samples import named_llm

VAULT = Vault(Keyring.generate(), "deployment")
SEALED = new_digest_key(VAULT)
DIGESTS = Digests(VAULT, SEALED)

PLAIN = "sk-one"
URL = "https://api.example/v1/chat/completions"


def digest(
    url: str | None = URL,
    *,
    header: str = "Authorization",
    prefix: str = "Bearer ",
    secret: str | None = PLAIN,
    digests: Digests = DIGESTS,
    provider: Provider | None = None,
    **members: Any,
) -> bytes:
    """Digest the connection of an LLM with this first URL and credential."""
    configured = {"protocol": ProtocolName.OPENAI, "model": "tiny", "display_name": "x"}
    names = configured.keys() & members.keys()
    configured |= {name: members.pop(name) for name in names}
    endpoints = () if url is None else (Endpoint.parse(url),)
    llm: LLM = named_llm(
        "llm", configured.pop("display_name"), endpoints=endpoints, provider=provider, **configured
    )
    credential = Credential(Placement(header, prefix), 1, SEALED)
    llm = msgspec.structs.replace(llm, credential=credential if secret else None, **members)
    return digests.connection(llm, None if secret is None else Secret(secret))


SAME: list[dict[str, Any]] = [
    {"url": "HTTPS://API.example/v1/chat/completions"},
    {"url": "https://api.EXAMPLE:443/v1/chat/completions"},
    {"url": f"{URL}/"},
    {"url": f"{URL}//"},
    {"header": "authorization"},
    {"header": "AUTHORIZATION", "prefix": "Bear", "secret": "er sk-one"},
    {"provider": Provider.VLLM},
    {"display_name": "another"},
    {"id": "another"},
    {"created_by": "another"},
]
OTHER: list[dict[str, Any]] = [
    {"url": "http://api.example/v1/chat/completions"},
    {"url": "https://api.example:8443/v1/chat/completions"},
    {"url": "https://api.example/V1/chat/completions"},
    {"url": f"{URL}?x=1"},
    {"url": "https://api2.example/v1/chat/completions"},
    {"url": None},
    {"header": "x-api-key"},
    {"prefix": ""},
    {"prefix": "bearer "},
    {"secret": "sk-two"},
    {"secret": None},
    {"model": "huge"},
    {"protocol": ProtocolName.CUSTOM},
    {"owner_id": "colleague"},
    {"organization_id": "other"},
]


@pytest.mark.parametrize("spelling", SAME, ids=str)
def test_however_it_is_written_a_connection_has_one_digest(spelling: dict[str, Any]) -> None:
    assert digest(**spelling) == digest()


@pytest.mark.parametrize("change", OTHER, ids=str)
def test_another_connection_or_owner_has_another_digest(change: dict[str, Any]) -> None:
    assert digest(**change) != digest()


def test_no_two_of_the_others_are_equal() -> None:
    assert len({digest(**change) for change in OTHER}) == len(OTHER)


def test_only_the_first_endpoint_counts() -> None:
    llm = named_llm(
        "llm", "x", endpoints=(Endpoint.parse(URL), Endpoint.parse("https://b.example"))
    )
    alone = named_llm("llm", "x", endpoints=(Endpoint.parse(URL, "eu"),))
    assert DIGESTS.connection(llm, None) == DIGESTS.connection(alone, None)


texts = st.text(max_size=5)


@given(first=st.tuples(texts, texts, texts, texts), second=st.tuples(texts, texts, texts, texts))
def test_texts_that_run_together_are_still_two(
    first: tuple[str, str, str, str], second: tuple[str, str, str, str]
) -> None:
    def of(owner: str, model: str, prefix: str, secret: str) -> bytes:
        return digest(owner_id=owner, model=model, prefix=prefix, secret=f"s{secret}")

    def meaning(owner: str, model: str, prefix: str, secret: str) -> tuple[str, str, str]:
        return owner, model, f"{prefix}s{secret}"

    assert (of(*first) == of(*second)) == (meaning(*first) == meaning(*second))


def test_an_exclusive_digest_tells_providers_apart() -> None:
    providers = [None, "", *Provider]
    found = {DIGESTS.exclusive(digest(), provider) for provider in providers}
    assert len(found) == len(providers)
    assert digest() not in found
    assert DIGESTS.exclusive(digest(), None) == DIGESTS.exclusive(digest(), None)


def test_two_installations_have_nothing_in_common() -> None:
    other = Digests(VAULT, new_digest_key(VAULT))
    assert digest(digests=other) != digest()
    assert other.of_token(b"", b"") != DIGESTS.of_token(b"", b"")


def test_a_digest_key_opens_in_its_installation_only_and_as_nothing_else() -> None:
    assert digest(digests=Digests(VAULT, SEALED)) == digest()
    with pytest.raises(CredentialUnusable):
        Digests(Vault(Keyring.generate(), "deployment"), SEALED)
    credential = VAULT.seal(Secret("00" * 32), msgspec.structs.replace(BINDING, field="credential"))
    with pytest.raises(CredentialUnusable):
        Digests(VAULT, credential)


# --- What the operator holds -----------------------------------------------------------------


def digest_held(held: Held, header: str = "Authorization", prefix: str = "Bearer ") -> bytes:
    """Digest a connection whose secret is not known here."""
    llm = named_llm("llm", "x", endpoints=(Endpoint.parse(URL),))
    credential = Credential(Placement(header, prefix), 1, held=held)
    return DIGESTS.connection(msgspec.structs.replace(llm, credential=credential), None)


SAME_HELD: list[tuple[Held, Held]] = [
    (SecretReference("env://A"), SecretReference("env://A", {"version": "2"})),
    (GoogleAdc(("a", "b")), GoogleAdc(("b", "a", "b"))),
]
OTHER_HELD: list[Held] = [
    SecretReference("env://A"),
    SecretReference("env://B"),
    SecretReference("file:///A"),
    SecretReference("google"),
    GoogleAdc(),
    GoogleAdc(("a",)),
    GoogleAdc((), "project"),
    GoogleAdc(("project",)),
]


@pytest.mark.parametrize(("first", "second"), SAME_HELD, ids=str)
def test_one_secret_of_the_operators_has_one_digest(first: Held, second: Held) -> None:
    assert digest_held(first) == digest_held(second)
    assert digest_held(first, "authorization") == digest_held(first)


def test_two_names_are_two_credentials_and_no_name_is_a_secret() -> None:
    """Whether two names hold one secret is not known, and none of them is a sealed one."""
    held = [digest_held(each) for each in OTHER_HELD]
    held += [digest_held(OTHER_HELD[0], "x-api-key", ""), digest_held(OTHER_HELD[0], prefix="")]
    sealed = [digest(secret=secret) for secret in ("env://A", "google", "reference", None)]
    assert len({*held, *sealed}) == len(held) + len(sealed)
