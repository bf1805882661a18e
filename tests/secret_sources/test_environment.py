"""`env://NAME`: what the server's environment holds, and never its own settings."""

import pytest

from dragoman.secret_sources.environment import EnvironmentSecrets


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "OPENAI_KEY",
        "DRAGOMAN_VAULT_TOKEN",
        "DRAGOMAN_DATABASE_URL",
        "DRAGOMAN_ANYTHING",
        "dragoman_low",
        "PGPASSWORD",
    ):
        monkeypatch.setenv(name, f"sk-canary-{name}")
    monkeypatch.setenv("EMPTY_KEY", "")


async def test_a_variable_is_lent_as_it_is() -> None:
    lent = await EnvironmentSecrets().fetch("env://OPENAI_KEY")
    assert lent is not None
    assert lent.secret.reveal() == "sk-canary-OPENAI_KEY"
    assert "canary" not in repr(lent)


@pytest.mark.parametrize(
    "name",
    [
        "DRAGOMAN_VAULT_TOKEN",
        "DRAGOMAN_DATABASE_URL",
        "DRAGOMAN_ANYTHING",
        "dragoman_low",
        "PGPASSWORD",
        "EMPTY_KEY",
        "NOT_SET",
        "openai_key",
        "",
    ],
)
async def test_the_servers_own_and_what_is_not_set_are_not_there(name: str) -> None:
    assert await EnvironmentSecrets().fetch(f"env://{name}") is None
