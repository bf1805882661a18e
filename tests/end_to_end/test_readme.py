"""The README's registration and calls, carried out as they are written there.

Two things differ from what a reader does: the provider is the engine of these tests, and the
server listens on another port.
"""

import re
import shlex
from pathlib import Path

import pytest

from tests.cli.calling import Caller
from tests.cli.curl import parsed
from tests.end_to_end.conftest import ENGINE_KEY
from tests.engine.language import plain_answer
from tests.engine.server import Engine
from tests.running import RunningDragoman

README = (Path(__file__).parents[2] / "README.md").read_text()


@pytest.fixture
def fresh(tmp_path: Path) -> RunningDragoman:
    return RunningDragoman.start(tmp_path / "data")


def blocks(language: str) -> list[str]:
    """Give the README's code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_the_first_registration_and_calls(
    fresh: RunningDragoman,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    variables = {"DRAGOMAN_API_KEY": fresh.admin_key, "OPENAI_API_KEY": ENGINE_KEY}

    def here(text: str) -> str:
        return text.replace("http://127.0.0.1:8080", fresh.url).replace(
            "https://api.openai.com/v1", engine.base_url
        )

    with fresh:
        (shell,) = blocks("sh")
        _, registration, call = re.split(r"^(?=curl )", here(shell), flags=re.MULTILINE)
        assert parsed(registration, variables).send().status_code == 201
        answer = parsed(call, variables).send()
        assert answer.status_code == 200
        assert answer.json()["choices"][0]["message"]["content"] == plain_answer()

        (python,) = blocks("python")
        monkeypatch.setenv("DRAGOMAN_API_KEY", fresh.admin_key)
        exec(compile(here(python), "README.md", "exec"), {})  # noqa: S102  # our own README
        assert capsys.readouterr().out == plain_answer()


def test_the_commands_for_llms(fresh: RunningDragoman, engine: Engine) -> None:
    lines = re.findall(r"^    \.venv/bin/dragoman (llm (?:.*\\\n)*.*)$", README, re.MULTILINE)
    texts = [line.replace("https://api.openai.com/v1", engine.base_url) for line in lines]
    create, listing, chat = (shlex.split(text.replace("\\\n", "")) for text in texts)
    with fresh:
        caller = Caller(fresh.url, fresh.admin_key)
        with caller.at_terminal(*create) as terminal:
            terminal.sees("Secret (not shown): ")
            terminal.types(f"{ENGINE_KEY}\n")
            assert terminal.ends() == 0
        assert "\nsummaries\topenai\t" in caller.done(*listing)
        assert caller.done(*chat) == f"{plain_answer()}\n"


def test_the_commands_for_keys(fresh: RunningDragoman) -> None:
    with fresh:
        commands = re.findall(r"^    \.venv/bin/dragoman (key .*)$", README, re.MULTILINE)
        assert [command.split()[:2] for command in commands] == [
            ["key", "create"],
            ["key", "list"],
            ["key", "revoke"],
        ]
        for command in commands:
            done = fresh.cli(*command.split())
            assert done.returncode == 0, done.stderr
