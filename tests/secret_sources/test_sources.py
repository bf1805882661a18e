"""Lending: only what was granted, only there, and nobody learns what else there is."""

import pytest

from dragoman.domain.change import Change, Noun
from dragoman.domain.credential import GoogleAdc, Held, SecretReference
from dragoman.domain.errors import CredentialUnusable, Unavailable
from dragoman.domain.grant import GOOGLE_ADC, Grant
from dragoman.domain.ports import Store
from dragoman.secret_sources.environment import EnvironmentSecrets
from dragoman.secret_sources.sources import NOT_THERE, SecretSources
from dragoman.vault.held import Lent
from dragoman.vault.secret import Secret
from tests.fakes.watched import WatchedStore
from tests.registry.installation import ORGANIZATION_ID, Installation

OPENAI = "https://api.openai.com:443"
GOOGLE = "https://eu-aiplatform.googleapis.com:443"
ALL_GOOGLE = "https://*.googleapis.com:443"
KEY = SecretReference("env://OPENAI_KEY")
STRANGER = "01a00000-0000-7000-8000-0000000000be"


class OneToken:
    """Gives the same token for any scopes, and notes them."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    async def fetch(self, scopes: tuple[str, ...]) -> Lent | None:
        self.asked.append(scopes)
        return Lent(Secret("ya29.c.token" + "." * 9), 2**62)


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_KEY", "sk-canary-1")
    monkeypatch.setenv("OTHER_KEY", "sk-canary-2")
    monkeypatch.setenv("DRAGOMAN_VAULT_TOKEN", "hvs.canary-3")
    monkeypatch.setenv("BROKEN_KEY", "sk-canary-4\nx-more: 1")


def lending(store: Store, google: OneToken | None = None) -> SecretSources:
    return SecretSources(store=store, sources={"env": EnvironmentSecrets()}, google=google)


async def granted(installation: Installation, secret: str, *origins: str) -> Grant:
    grant = Grant(
        installation.clock.new_id(), ORGANIZATION_ID, secret, origins, installation.clock.now_ms()
    )
    async with installation.store.writing() as work:
        await work.grants.add(grant)
    return grant


async def refused(
    sources: SecretSources, held: Held, *origins: str, organization_id: str = ORGANIZATION_ID
) -> CredentialUnusable:
    with pytest.raises(CredentialUnusable) as failed:
        await sources.lend(organization_id, held, origins)
    assert "canary" not in str(failed.value)
    return failed.value


async def test_what_was_granted_is_lent(installation: Installation) -> None:
    await granted(installation, KEY.uri, OPENAI)
    lent = await lending(installation.store).lend(ORGANIZATION_ID, KEY, [OPENAI])
    assert lent.secret.reveal() == "sk-canary-1"
    assert "canary" not in f"{lent!r}{lent}"


async def test_all_that_is_not_lent_reads_the_same(installation: Installation) -> None:
    for secret in (KEY.uri, "env://UNKNOWN", "env://DRAGOMAN_VAULT_TOKEN", "vault://kv/a#b"):
        await granted(installation, secret, OPENAI)
    sources = lending(installation.store)
    found = [
        await refused(sources, SecretReference("env://OTHER_KEY"), OPENAI),
        await refused(sources, SecretReference("env://NOT_EVEN_SET"), OPENAI),
        await refused(sources, SecretReference("env://UNKNOWN"), OPENAI),
        await refused(sources, SecretReference("env://DRAGOMAN_VAULT_TOKEN"), OPENAI),
        await refused(sources, SecretReference("vault://kv/a#b"), OPENAI),
        await refused(sources, SecretReference("nothing"), OPENAI),
        await refused(sources, KEY, "https://evil.example:443"),
        await refused(sources, KEY, OPENAI, "https://evil.example:443"),
        await refused(sources, KEY, "http://api.openai.com:80"),
        await refused(sources, KEY, OPENAI, organization_id=STRANGER),
        await refused(sources, GoogleAdc(), GOOGLE),
    ]
    assert {(type(each), each.message, each.code) for each in found} == {
        (CredentialUnusable, NOT_THERE, "credential_unusable")
    }


async def test_a_secret_that_cannot_stand_in_a_header_is_not_lent_and_not_quoted(
    installation: Installation,
) -> None:
    await granted(installation, "env://BROKEN_KEY", OPENAI)
    found = await refused(lending(installation.store), SecretReference("env://BROKEN_KEY"), OPENAI)
    assert found.message == (
        "The secret that the LLM's credential names must be printable ASCII, because it is sent "
        "in an HTTP header."
    )


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example:443",
        "https://googleapis.com:443",
        "https://evilgoogleapis.com:443",
        "https://a.googleapis.com.evil.example:443",
        "http://aiplatform.googleapis.com:80",
    ],
)
async def test_googles_tokens_go_to_google_whatever_was_granted(
    installation: Installation, origin: str
) -> None:
    await granted(installation, GOOGLE_ADC, *sorted({origin, ALL_GOOGLE}))
    google = OneToken()
    sources = lending(installation.store, google)
    assert (await refused(sources, GoogleAdc(("a",)), origin)).message == NOT_THERE
    assert (await refused(sources, GoogleAdc(("a",)), GOOGLE, origin)).message == NOT_THERE
    assert google.asked == []
    lent = await sources.lend(ORGANIZATION_ID, GoogleAdc(("a",)), [GOOGLE])
    assert lent.secret.reveal().startswith("ya29.c.token")
    assert google.asked == [("a",)]


async def test_grants_are_looked_up_once_and_again_when_one_changes(
    installation: Installation,
) -> None:
    grant = await granted(installation, KEY.uri, OPENAI)
    store = WatchedStore(installation.store, lambda: None)
    sources = lending(store)
    for _ in range(3):
        await sources.lend(ORGANIZATION_ID, KEY, [OPENAI])
    assert store.looks == 1

    async with installation.store.writing() as work:
        await work.grants.remove(grant)
    sources.changed([Change(1, Noun.LLM, ORGANIZATION_ID, grant.id)])
    sources.changed([Change(2, Noun.GRANT, STRANGER, grant.id)])
    await sources.lend(ORGANIZATION_ID, KEY, [OPENAI])
    assert store.looks == 1
    sources.changed([Change(3, Noun.GRANT, ORGANIZATION_ID, grant.id)])
    await refused(sources, KEY, OPENAI)

    await granted(installation, KEY.uri, OPENAI)
    sources.forget()
    await sources.lend(ORGANIZATION_ID, KEY, [OPENAI])


async def test_a_grant_that_is_taken_while_it_is_read_is_not_remembered(
    installation: Installation,
) -> None:
    grant = await granted(installation, KEY.uri, OPENAI)
    racing: SecretSources

    def taken() -> None:
        racing.changed([Change(1, Noun.GRANT, ORGANIZATION_ID, grant.id)])

    store = WatchedStore(installation.store, taken)
    racing = lending(store)
    for _ in range(3):
        await racing.lend(ORGANIZATION_ID, KEY, [OPENAI])
    assert store.looks == 3


async def test_what_was_granted_is_lent_on_while_the_database_is_away(
    installation: Installation,
) -> None:
    await granted(installation, KEY.uri, OPENAI)

    def gone() -> None:
        raise Unavailable("The database is away.")

    store = WatchedStore(installation.store, lambda: None)
    sources = lending(store)
    await sources.lend(ORGANIZATION_ID, KEY, [OPENAI])
    store._in_between = gone
    await sources.lend(ORGANIZATION_ID, KEY, [OPENAI])
    with pytest.raises(Unavailable):
        await sources.lend(STRANGER, KEY, [OPENAI])
