"""On a terminal the first start prints the admin key, and an example that works as it stands."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import on_terminal
from tests.cli.conftest import contents
from tests.cli.curl import parsed
from tests.marking_upstream import marking_upstream

REGISTER, CALL = 0, 1
READY = "Ctrl+C stops it."


@pytest.fixture
def printed(tmp_path: Path) -> Iterator[str]:
    """Start on a terminal for the first time; whatever it calls gets half a second to answer."""
    settings = {"egress_allow": "127.0.0.0/8", "upstream_connect_s": "0.5"}
    with on_terminal("serve", data_dir=tmp_path / "data", until=READY, **settings) as text:
        yield text


def test_the_key_is_printed_and_stored_nowhere(tmp_path: Path, printed: str) -> None:
    (key,) = set(re.findall(r"dgm_\w+", printed))
    assert f"    export DRAGOMAN_API_KEY={key}\n" in printed
    files = contents(tmp_path / "data")
    assert "admin.key" not in files
    assert [name for name, content in files.items() if key.encode() in content] == []


def test_the_examples_registration_and_call_work(printed: str) -> None:
    commands, variables = _example(printed)
    registered = parsed(commands[REGISTER], variables).send()
    assert registered.status_code == 201, registered.text
    assert registered.json()["urls"] == [{"url": "https://api.openai.com/v1/chat/completions"}]
    assert "sk-planted" not in registered.text

    # Without a network, or with a key that OpenAI does not know, the fault is not the caller's.
    called = parsed(commands[CALL], variables).send()
    assert called.status_code in {502, 504}, called.text
    assert called.headers["x-dragoman-fault"] in {"upstream", "operator"}
    assert called.json()["error"]["type"] in {"upstream_error", "operator_error"}


def test_the_example_gets_an_answer_from_a_server_that_is_there(printed: str) -> None:
    commands, variables = _example(printed)
    with marking_upstream() as base_url:
        registration = commands[REGISTER].replace("https://api.openai.com/v1", base_url)
        assert parsed(registration, variables).send().status_code == 201
        answer = parsed(commands[CALL], variables).send()
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"] == "Hello"


def _example(printed: str) -> tuple[list[str], dict[str, str]]:
    """Find the example's two commands, and the variables that they need."""
    commands = re.findall(r"^ {4}(curl .*?)\n(?:\n|Dragoman)", printed, re.DOTALL | re.MULTILINE)
    assert len(commands) == 2, printed
    exported = dict(re.findall(r"^ {4}export (\w+)=(\S+)$", printed, re.MULTILINE))
    return commands, exported | {"OPENAI_API_KEY": "sk-planted"}
