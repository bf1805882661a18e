"""A vault shows who it is before it hears our token."""

import pytest
import trustme

from dragoman.upstream.pool import HttpPool
from tests.registry.installation import SetClock
from tests.secret_sources.vault_server import VaultServer
from tests.secret_sources.vault_source import SECRET, lent, source_at, why
from tests.upstream.calling import certified


@pytest.fixture
def vault() -> VaultServer:
    return VaultServer({"kv/team/openai": {"key": SECRET}})


async def test_a_vault_of_the_operators_authority_is_asked(
    vault: VaultServer, ca: trustme.CA, trusting: HttpPool, clock: SetClock
) -> None:
    async with vault.serving(certified(ca, "127.0.0.1")) as server:
        source = source_at(server.url, trusting, clock)
        assert await lent(source) == SECRET


@pytest.mark.parametrize("certificate", ["of nobody", "of another host"])
async def test_a_vault_that_cannot_show_who_it_is_hears_no_token(
    vault: VaultServer, ca: trustme.CA, trusting: HttpPool, clock: SetClock, certificate: str
) -> None:
    issuer = trustme.CA() if certificate == "of nobody" else ca
    host = "127.0.0.1" if certificate == "of nobody" else "vault.internal"
    async with vault.serving(certified(issuer, host)) as server:
        source = source_at(server.url, trusting, clock)
        assert "(tls)" in await why(source)
    assert vault.asked == []
