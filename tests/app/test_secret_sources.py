"""Sources made from settings: what they may call, and what a start refuses."""

from pathlib import Path

import msgspec
import pytest
import trustme

from dragoman.app import secret_sources
from dragoman.app.secret_sources import OpenSources
from dragoman.domain.credential import GoogleAdc, Held, SecretReference
from dragoman.domain.errors import CredentialUnusable, DragomanError, EgressRefused
from dragoman.domain.grant import GOOGLE_ADC, Grant
from dragoman.domain.ports import UpstreamRequest
from dragoman.domain.url import Origin, parse_origin
from dragoman.secret_sources.asking import DEADLINES
from dragoman.settings import Settings
from dragoman.upstream.pool import HttpPool
from dragoman.vault.secret import Secret
from tests.registry.installation import ORGANIZATION_ID, Installation
from tests.scripted_upstream import serving
from tests.secret_sources.google_server import TokenEndpoint, key_file
from tests.secret_sources.vault_server import TOKEN, VaultServer
from tests.upstream.calling import certified

OPENAI = "https://api.openai.com:443"
GOOGLE = "https://eu-aiplatform.googleapis.com:443"
KEY = "sk-canary-4f1d7c"


@pytest.fixture
def vault() -> VaultServer:
    return VaultServer({"kv/team/openai": {"key": KEY}})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder with secrets, the server's own among them."""
    made = tmp_path / "secrets"
    made.mkdir()
    for name in ("key", "kek", "token", "account.json"):
        (made / name).write_text(KEY)
    return made


async def lent(sources: OpenSources, held: Held, origin: str = OPENAI) -> Secret:
    return (await sources.held.lend(ORGANIZATION_ID, held, [origin])).secret


async def grant(installation: Installation, *secrets: str) -> None:
    async with installation.store.writing() as work:
        for secret in secrets:
            origin = "https://*.googleapis.com:443" if secret == GOOGLE_ADC else OPENAI
            id_ = installation.clock.new_id()
            await work.grants.add(Grant(id_, ORGANIZATION_ID, secret, (origin,), 1))


async def test_without_settings_there_is_the_environment_alone(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_KEY", KEY)
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:8200")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/etc/hostname")
    await grant(installation, "env://OPENAI_KEY", "file:///etc/*", "vault://kv/*", GOOGLE_ADC)
    sources = secret_sources.opened(Settings(), installation.store, installation.clock)
    assert sources.pools == ()
    assert (await lent(sources, SecretReference("env://OPENAI_KEY"))).reveal() == KEY
    for held in (
        SecretReference("file:///etc/hostname"),
        SecretReference("vault://kv/team/openai#key"),
        GoogleAdc(),
    ):
        with pytest.raises(CredentialUnusable, match="does not hold, or has not granted"):
            await lent(sources, held, GOOGLE if isinstance(held, GoogleAdc) else OPENAI)


async def test_files_are_lent_but_none_that_a_setting_names(
    installation: Installation, folder: Path
) -> None:
    settings = Settings(
        data_dir=str(folder / "data"),
        secret_files=str(folder),
        kek_file=str(folder / "kek"),
        vault_address="http://127.0.0.1:9",
        vault_token_file=str(folder / "token"),
        google_credentials=str(key_file(folder / "account.json")),
    )
    (folder / "data").mkdir()
    (folder / "data" / "admin.key").write_text(KEY)
    await grant(installation, f"file://{folder}/*")
    sources = secret_sources.opened(settings, installation.store, installation.clock)
    assert (await lent(sources, SecretReference(f"file://{folder}/key"))).reveal() == KEY
    for name in ("kek", "token", "account.json", "data/admin.key"):
        with pytest.raises(CredentialUnusable, match="does not hold, or has not granted"):
            await lent(sources, SecretReference(f"file://{folder}/{name}"))
    await sources.close()


async def test_a_vault_is_asked_with_the_operators_authority(
    installation: Installation, vault: VaultServer, ca: trustme.CA, bundle: Path
) -> None:
    await grant(installation, "vault://kv/team/*")
    async with vault.serving(certified(ca, "127.0.0.1")) as server:
        settings = Settings(vault_address=server.url, vault_token=TOKEN, ca_bundle=str(bundle))
        sources = secret_sources.opened(settings, installation.store, installation.clock)
        secret = await lent(sources, SecretReference("vault://kv/team/openai#key"))
        assert secret.reveal() == KEY
        await sources.close()


async def test_google_is_asked_where_the_operator_says(
    installation: Installation, ca: trustme.CA, bundle: Path, tmp_path: Path
) -> None:
    endpoint = TokenEndpoint(installation.clock.now_ms() // 1000)
    await grant(installation, GOOGLE_ADC)
    async with serving(endpoint.steps(), tls=certified(ca, "127.0.0.1")) as server:
        settings = Settings(
            google_credentials=str(key_file(tmp_path / "account.json")),
            google_token_endpoint=f"{server.url}/token",
            egress_allow=("127.0.0.1/32",),
            ca_bundle=str(bundle),
        )
        sources = secret_sources.opened(settings, installation.store, installation.clock)
        assert (await lent(sources, GoogleAdc(), GOOGLE)).reveal() == "ya29.canary-1"
        with pytest.raises(CredentialUnusable, match="does not hold, or has not granted"):
            await lent(sources, GoogleAdc())
        await sources.close()
        closed = msgspec.structs.replace(settings, egress_allow=())
        sources = secret_sources.opened(closed, installation.store, installation.clock)
        with pytest.raises(CredentialUnusable, match=r"\(egress\)"):
            await lent(sources, GoogleAdc(), GOOGLE)
        await sources.close()


# --- What the ways out may call --------------------------------------------------------------


async def is_refused(pool: HttpPool, origin: Origin, *, carries_credential: bool) -> bool:
    """Tell whether an address is closed; nobody listens where it is open."""
    request = UpstreamRequest(
        origin=origin,
        target=b"/",
        headers=[],
        body=b"",
        deadlines=msgspec.structs.replace(DEADLINES, connect_s=0.2),
        method=b"GET",
        carries_credential=carries_credential,
    )
    try:
        async with pool.exchange(request):
            raise AssertionError("somebody answers")
    except EgressRefused:
        return True
    except DragomanError:
        return False
    finally:
        await pool.close()


@pytest.mark.parametrize(
    ("address", "allow", "refused"),
    [
        ("https://127.0.0.1:9", (), False),
        ("https://[::1]:9", (), False),
        ("https://10.1.2.3:9", (), False),
        ("https://192.168.1.1:9", (), False),
        ("https://[fd00::1]:9", (), False),
        ("https://169.254.169.254:9", (), True),
        ("https://[fd00:ec2::254]:9", (), True),
        ("https://192.0.2.1:9", (), True),
        ("http://127.0.0.1:9", (), False),
        ("http://10.1.2.3:9", (), True),
        ("http://93.184.215.14:9", (), True),
        ("http://10.1.2.3:9", ("10.0.0.0/8",), False),
    ],
)
async def test_a_vault_may_be_inside_and_over_plain_http_only_where_that_is_listed(
    installation: Installation,
    monkeypatch: pytest.MonkeyPatch,
    address: str,
    allow: tuple[str, ...],
    *,
    refused: bool,
) -> None:
    async def nobody(*_: object) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr("dragoman.upstream.connect.dial", nobody)
    settings = Settings(vault_address=address, vault_token=TOKEN, egress_allow=allow)
    _, pool = secret_sources.vault_of(settings, address, installation.clock)
    origin = parse_origin(address)
    assert await is_refused(pool, origin, carries_credential=True) is refused


async def test_the_way_to_the_metadata_server_leads_nowhere_else(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[tuple[object, ...]] = []

    async def nobody(*place: object) -> None:
        called.append(place)
        raise ConnectionRefusedError(111, "Connection refused")

    async def addresses(_: str) -> list[str]:
        return answers

    monkeypatch.setattr("dragoman.upstream.connect.dial", nobody)
    metadata = Origin("http", "metadata.google.internal", 80)
    settings = Settings(google_credentials="metadata", egress_allow=("127.0.0.0/8",))
    for answers, refused in (
        (["169.254.169.254"], False),
        (["fd20:ce::254"], False),
        (["127.0.0.1"], True),
        (["93.184.215.14"], False),
        (["169.254.169.253"], True),
    ):
        _, pool = secret_sources.google_of(settings, "metadata", installation.clock)
        monkeypatch.setattr(pool._connector, "_resolve", addresses)
        assert await is_refused(pool, metadata, carries_credential=False) is refused, answers
    for origin in (Origin("http", "169.254.169.254", 80), metadata._replace(port=8080)):
        _, pool = secret_sources.google_of(settings, "metadata", installation.clock)
        assert await is_refused(pool, origin, carries_credential=False)
    assert len(called) == 3
