"""docs/cli.md: every command is there, and what stands there is a command."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main

from dragoman.cli import app
from tests.cli.command import environment

PAGE = (Path(__file__).parents[2] / "docs/cli.md").read_text()
WRITTEN = [
    shlex.split(line.replace("\\\n", " "))[1:]
    for line in re.findall(r"^    (dragoman (?:.*\\\n)*.*)$", PAGE, re.MULTILINE)
]
WITH_EXAMPLES = {"llm", "audit", "grant"}
"""The commands whose help ends with examples."""


def commands(group: Any, *path: str) -> dict[tuple[str, ...], Any]:
    """Give every command with the words that lead to it."""
    found: dict[tuple[str, ...], Any] = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found |= commands(command, *path, name)
        else:
            found[*path, name] = command
    return found


ALL = commands(typer.main.get_command(app))


def meant(words: list[str]) -> tuple[str, ...]:
    """Find the command that a line begins with."""
    return next((path for path in ALL if tuple(words[: len(path)]) == path), ())


@pytest.mark.parametrize("words", WRITTEN, ids=" ".join)
def test_what_is_written_is_a_command_with_such_options(words: list[str]) -> None:
    command = ALL[meant(words)]
    known = {
        option
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    assert [word for word in words if word.startswith("--") and word not in known] == []


def test_every_command_is_written() -> None:
    assert ALL.keys() - {meant(words) for words in WRITTEN} == set()


@pytest.mark.parametrize("path", [path for path in ALL if path[0] in WITH_EXAMPLES], ids=" ".join)
def test_help_has_examples_that_are_commands(path: tuple[str, ...]) -> None:
    command = ALL[path]
    text = command.get_help(typer.Context(command, info_name="dragoman"))
    examples = text.partition("Examples:\n")[2].splitlines()
    joined = "\n".join(examples).replace("\\\n", " ").splitlines()
    assert len(joined) >= 2
    for line in joined:
        words = shlex.split(line.replace("|", " ").replace("<", " "), comments=True)
        assert meant(words[words.index("dragoman") + 1 :]) == path
    for parameter in command.params:
        assert getattr(parameter, "help", ""), f"{parameter.name} is not explained"


def test_completion_knows_commands_options_and_protocols() -> None:
    def completed(line: str) -> str:
        variables = environment()
        variables |= {"_DRAGOMAN_COMPLETE": "complete_bash", "COMP_WORDS": line}
        variables |= {"COMP_CWORD": str(len(line.split(" ")) - 1)}
        program = Path(sys.executable).parent / "dragoman"
        ended = subprocess.run([program], env=variables, capture_output=True, check=True)
        return ended.stdout.decode()

    assert completed("dragoman llm c").split() == ["create", "chat"]
    assert "--secret-file" in completed("dragoman llm create --secret")
    assert "azure_openai" in completed("dragoman llm list --protocol a")
