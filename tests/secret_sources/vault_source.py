"""A source that asks a vault of these tests, and what it says."""

import traceback

import pytest

from dragoman.domain.errors import CredentialUnusable
from dragoman.secret_sources.vault_kv import VaultKV, VaultToken
from dragoman.upstream.pool import HttpPool
from tests.registry.installation import SetClock
from tests.secret_sources.vault_server import TOKEN

SECRET = "sk-canary-4f1d7c"
OPENAI = "vault://kv/team/openai#key"
GRACE_MS = 600_000


def source_at(
    address: str, pool: HttpPool, clock: SetClock, token: VaultToken | None = None
) -> VaultKV:
    return VaultKV(
        pool,
        address=address,
        token=token or VaultToken(TOKEN, None),
        namespace=None,
        clock=clock,
        grace_ms=GRACE_MS,
    )


async def lent(source: VaultKV, uri: str = OPENAI) -> str | None:
    given = await source.fetch(uri)
    return given.secret.reveal() if given else None


async def why(source: VaultKV, uri: str = OPENAI) -> str:
    """Fail to be lent something; gives what is said, after looking for what must not be."""
    with pytest.raises(CredentialUnusable) as refused:
        await source.fetch(uri)
    told = "".join(traceback.format_exception(refused.value))
    assert TOKEN not in told
    assert SECRET not in told
    return refused.value.message
