"""What `dragoman doctor` finds of secret sources: each is tried, and no token is shown."""

from pathlib import Path

import msgspec
import trustme

from dragoman.app.examination import held as examination
from dragoman.app.examination.finding import Level
from dragoman.settings import Settings
from tests.scripted_upstream import serving
from tests.secret_sources.google_server import TokenEndpoint, key_file
from tests.secret_sources.vault_server import SEALED, TOKEN, VaultServer
from tests.upstream.calling import certified


async def found(settings: Settings) -> list[tuple[str, Level, str]]:
    checks = (
        examination.settings_fit,
        examination.secret_files,
        examination.vault,
        examination.google,
    )
    findings = [each for check in checks async for each in check(settings)]
    assert TOKEN not in str(findings)
    return [(each.check, each.level, each.message) for each in findings]


async def test_where_nothing_is_set_nothing_is_looked_at() -> None:
    assert await found(Settings()) == []


async def test_the_vault_and_its_token_are_tried(ca: trustme.CA, bundle: Path) -> None:
    vault = VaultServer({})
    async with vault.serving(certified(ca, "127.0.0.1")) as server:
        url = server.url
        settings = Settings(vault_address=url, vault_token=TOKEN, ca_bundle=str(bundle))
        assert await found(settings) == [("vault", Level.OK, f"{url} accepts the token.")]
        vault.token = "hvs.another"
        ((_, level, message),) = await found(settings)
        assert (level, message) == (
            Level.PROBLEM,
            f"{url}: The vault does not accept the token.",
        )
        vault.says = SEALED
        ((_, level, message),) = await found(settings)
        assert (level, "(sealed)" in message) == (Level.PROBLEM, True)
        ((_, level, message),) = await found(msgspec.structs.replace(settings, ca_bundle=None))
        assert level is Level.PROBLEM
        assert "(tls)" in message
        assert "its certificate was not accepted" in message
    ((_, level, message),) = await found(settings)
    assert level is Level.PROBLEM
    assert "Connection refused" in message


async def test_google_and_the_folder_are_tried(
    ca: trustme.CA, bundle: Path, tmp_path: Path
) -> None:
    endpoint = TokenEndpoint()
    async with serving(endpoint.steps(), tls=certified(ca, "127.0.0.1")) as server:
        settings = Settings(
            secret_files=str(tmp_path),
            google_credentials=str(key_file(tmp_path / "account.json")),
            google_token_endpoint=f"{server.url}/token",
            egress_allow=("127.0.0.1/32",),
            ca_bundle=str(bundle),
        )
        assert await found(settings) == [
            ("secret files", Level.OK, f"Files below {tmp_path} may be granted."),
            ("google", Level.OK, "There is an access token of the service account."),
        ]
        endpoint.refuses = True
        (_, (check, level, message)) = await found(settings)
        assert (check, level) == ("google", Level.PROBLEM)
        assert message == "Google's token endpoint gives out no token (invalid_grant)."


async def test_what_does_not_fit_is_told_once(tmp_path: Path) -> None:
    settings = Settings(
        secret_files=str(tmp_path / "missing"), google_credentials=str(tmp_path / "missing.json")
    )
    assert await found(settings) == [
        (
            "settings",
            Level.PROBLEM,
            f"DRAGOMAN_SECRET_FILES: there is no folder {tmp_path / 'missing'}.",
        )
    ]
