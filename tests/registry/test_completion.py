"""What version 0.1 made is kept whole, and completed by a process that has the keys."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dragoman.domain.credential import Sealed
from dragoman.domain.deployment import Deployment
from dragoman.domain.llm import (
    LLM,
    Configuration,
    ProtocolName,
    ReasoningEffort,
    ReasoningFormat,
    Sampling,
)
from dragoman.domain.page import AuditQuery, LLMQuery
from dragoman.domain.ports import Store
from dragoman.domain.principal import ApiKey, Organization, Principal, Role, Scope
from dragoman.domain.url import Endpoint
from dragoman.registry.completion import LLMS_AT_ONCE, complete
from dragoman.registry.secrets import Secrets
from dragoman.storage import schema
from dragoman.storage.sqlite import SqliteDatabase
from dragoman.storage.unit_of_work import SqlStore
from dragoman.vault.digests import Digests
from dragoman.vault.envelope import Vault
from dragoman.vault.keys import Keyring
from tests.registry import version_0_1
from tests.registry.version_0_1 import CREATED_MS, credential_of

DEPLOYMENT = Deployment("deployment", CREATED_MS)
KEYRING = Keyring.generate()
VAULT = Vault(KEYRING, DEPLOYMENT.id)
ORGANIZATION = Organization("org", "acme", CREATED_MS)
PRINCIPAL = Principal("ada", "org", "Ada", Role.ADMIN, CREATED_MS)
KEY = ApiKey("key", "org", "ada", "laptop", b"\7" * 32, CREATED_MS, revoked_at_ms=CREATED_MS + 1)
SCOPE = Scope("org", None)
ENTRIES = 7
"""How many entries the audit trail had."""


def an_llm(llm_id: str, plain: str | None = None, **members: Any) -> LLM:
    """Make an LLM with every member that version 0.1 knew."""
    llm = LLM(
        id=llm_id,
        organization_id="org",
        owner_id="ada",
        configuration=Configuration(
            display_name=f"Größe {llm_id}",
            description="Ours",
            protocol=ProtocolName.GROQ_OPENAI,
            endpoints=(
                Endpoint("https://a.example", "/v1/chat/completions", "eu"),
                Endpoint("https://b.example:8443", "/x?y=1"),
            ),
            model="tiny",
            deployment_name="mini",
            api_version="1",
            sampling=Sampling(temperature=0.7, max_tokens=100),
            reasoning_effort=ReasoningEffort.HIGH,
            reasoning_format=ReasoningFormat.RAW,
            tags=("a", "b"),
            metadata={"limits": {"daily": 10**30, "share": 0.1}, "none": None},
            enabled=False,
        ),
        revision=3,
        created_at_ms=CREATED_MS,
        created_by="ada",
        updated_at_ms=CREATED_MS + 5,
        updated_by="bob",
    )
    llm = msgspec.structs.replace(llm, **members)
    credential = None if plain is None else credential_of(VAULT, llm, plain, generation=4)
    return msgspec.structs.replace(llm, credential=credential)


BARE = msgspec.structs.replace(
    an_llm("bare"),
    configuration=Configuration(
        display_name="bare", protocol=ProtocolName.NONE, endpoints=(), model="m"
    ),
    updated_at_ms=None,
    updated_by=None,
    zero_data_retention=True,
    is_default=True,
)
LLMS = (an_llm("one", "sk-one"), an_llm("twin", "sk-one"), an_llm("two", "sk-two"), BARE)


def audit_rows() -> list[dict[str, Any]]:
    """Write entries whose times and ids do not follow the order of their rows."""
    return [
        {
            "id": f"entry-{at}",
            "at_ms": CREATED_MS + (at * 5) % ENTRIES // 2,
            "organization_id": ("org", "another")[at % 2],
            "actor_id": "ada",
            "key_id": None,
            "action": "llm.update",
            "target_id": "one",
            "members": '["display_name"]',
            "request_id": f"req-{at}",
        }
        for at in range(ENTRIES)
    ]


def installed(path: Path, *llms: LLM) -> None:
    """Make an installation of version 0.1, and bring its schema up to date."""
    key = msgspec.structs.asdict(KEY)
    del key["permissions"]
    version_0_1.make(
        path,
        {
            "deployment": [{"id": DEPLOYMENT.id, "created_at_ms": DEPLOYMENT.created_at_ms}],
            "organizations": [msgspec.structs.asdict(ORGANIZATION)],
            "principals": [msgspec.structs.asdict(PRINCIPAL)],
            "api_keys": [key],
            "llms": [version_0_1.llm_row(llm) for llm in llms],
            "audit": audit_rows(),
        },
    )
    schema.prepare(path)


async def completed(store: Store) -> Deployment:
    """Complete the installation, as a start does."""
    async with store.writing() as work:
        found = await work.deployment.get()
        assert found is not None
        await complete(work, VAULT, found)
    async with store.reading() as work:
        deployment = await work.deployment.get()
    assert deployment is not None
    return deployment


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """Open the registry of an upgraded installation."""
    path = tmp_path / "dragoman.db"
    installed(path, *LLMS)
    database = SqliteDatabase(path)
    yield SqlStore(database)
    await database.close()


async def test_every_value_of_before_is_there_after_the_upgrade(store: Store) -> None:
    async with store.reading() as work:
        for llm in LLMS:
            assert repr(await work.llms.get(SCOPE, llm.id)) == repr(llm)
        assert await work.deployment.get() == DEPLOYMENT
        assert await work.principals.organization_named("acme") == ORGANIZATION
        assert await work.principals.by_digest(KEY.digest) == (KEY, PRINCIPAL)
        found = await work.llms.page(SCOPE, LLMQuery(search="GRÖSSE TWO"))
        assert [llm.id for llm in found.items] == ["two"]


async def test_what_happened_before_is_numbered_without_holes_in_its_order(store: Store) -> None:
    async with store.reading() as work:
        entries = [
            entry
            for organization_id in ("org", "another")
            for entry in (await work.audit.page(organization_id, AuditQuery())).items
        ]
    entries.sort(key=lambda entry: entry.revision)
    assert [entry.revision for entry in entries] == list(range(1, ENTRIES + 1))
    assert entries == sorted(entries, key=lambda entry: (entry.at_ms, entry.id))
    assert {entry.request_id for entry in entries} == {row["request_id"] for row in audit_rows()}
    assert {entry.members for entry in entries} == {("display_name",)}
    async with store.writing() as work:
        new = msgspec.structs.replace(entries[0], id="new")
        assert await work.audit.record(new) == ENTRIES + 1


async def test_the_credentials_of_before_open_before_and_after_the_completion(
    store: Store,
) -> None:
    secrets = Secrets(VAULT)
    for complete_first in (False, True):
        if complete_first:
            await completed(store)
        async with store.reading() as work:
            for llm in LLMS:
                found = await work.llms.get(SCOPE, llm.id)
                assert found is not None
                opened = secrets.opened(found)
                plain = {"one": "sk-one", "twin": "sk-one", "two": "sk-two"}.get(llm.id)
                assert (opened.reveal() if opened else None) == plain


async def test_a_digest_key_and_connection_keys_are_added_and_nothing_else(store: Store) -> None:
    deployment = await completed(store)
    assert deployment.digest_key is not None
    digests = Digests(VAULT, deployment.digest_key)
    async with store.reading() as work:
        keys = {}
        for llm in LLMS:
            found = await work.llms.get(SCOPE, llm.id)
            assert found is not None
            assert found.connection_key == digests.connection(llm, Secrets(VAULT).opened(llm))
            assert msgspec.structs.replace(found, connection_key=None) == llm
            keys[llm.id] = found.connection_key
    assert keys["one"] == keys["twin"]
    assert len(set(keys.values())) == len(LLMS) - 1


async def test_completing_again_changes_nothing(store: Store) -> None:
    first = await completed(store)
    async with store.reading() as work:
        before = await work.llms.page(SCOPE, LLMQuery())
    assert await completed(store) == first
    async with store.reading() as work:
        assert await work.llms.page(SCOPE, LLMQuery()) == before


async def test_a_credential_that_does_not_open_hinders_nobody_and_is_like_no_other(
    tmp_path: Path,
) -> None:
    broken = [
        msgspec.structs.replace(
            llm,
            credential=msgspec.structs.replace(
                llm.credential, sealed=Sealed(KEYRING.active_id, b"x", b"x")
            ),
        )
        for llm in (an_llm("three", "lost"), an_llm("four", "lost"))
        if llm.credential is not None
    ]
    path = tmp_path / "dragoman.db"
    installed(path, *LLMS, *broken)
    database = SqliteDatabase(path)
    store = SqlStore(database)
    await completed(store)
    async with store.reading() as work:
        page = await work.llms.page(SCOPE, LLMQuery())
    await database.close()
    keys = {llm.id: llm.connection_key for llm in page.items}
    assert None not in keys.values()
    assert len({keys["three"], keys["four"], keys["one"], keys["bare"]}) == 4


async def test_as_many_as_there_are_get_their_keys(tmp_path: Path) -> None:
    path = tmp_path / "dragoman.db"
    many = [
        msgspec.structs.replace(an_llm(f"llm-{at}"), created_at_ms=at)
        for at in range(LLMS_AT_ONCE * 2 + 1)
    ]
    installed(path, *many)
    database = SqliteDatabase(path)
    store = SqlStore(database)
    await completed(store)
    async with store.writing() as work:
        assert await work.llms.unfingerprinted(limit=1) == []
        assert len(await work.llms.all(SCOPE, limit=1000)) == len(many)
    await database.close()
