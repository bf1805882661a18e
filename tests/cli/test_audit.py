"""`dragoman audit`: who did what, and when."""

import json
import signal
from uuid import uuid4

import pytest
import typer

from dragoman.cli.moments import moment
from tests.cli.calling import Caller

NOW_MS = 1_795_255_200_000  # 2026-11-21T10:00:00Z
COMMON = ("--protocol", "openai", "--model", "tiny", "--endpoint", "https://llm.example/v1")


@pytest.fixture
def name(admin: Caller) -> str:
    """Register an LLM and change it; gives its name."""
    name = f"llm-{uuid4().hex[:12]}"
    admin.done("llm", "create", "--name", name, *COMMON)
    admin.done("llm", "update", name, "--model", "other", "--label", "a=b")
    return name


def test_it_tells_who_changed_what(admin: Caller, name: str) -> None:
    head, update, create = admin.done("audit", "--llm", name, "--since", "1h").splitlines()
    assert head == "Time (UTC)\tAction\tTarget\tActor\tMembers"
    assert update.split("\t")[1] == "llm.update"
    assert update.split("\t")[4] == "model, labels"
    assert create.split("\t")[1] == "llm.create"
    assert admin.done("audit", "--llm", name, "--until", "1h").splitlines() == [head]

    found = json.loads(admin.done("audit", "--llm", name, "--action", "llm.update", "--json"))
    assert [(each["action"], each["members"]) for each in found] == [
        ("llm.update", ["model", "labels"])
    ]
    of_actor = ("audit", "--actor", found[0]["actor_id"], "--json", "--limit", "1")
    assert len(json.loads(admin.done(*of_actor))) == 1
    operator = json.loads(admin.done("audit", "--actor", "operator", "--json"))
    assert {each["actor_id"] for each in operator} == {"operator"}


def test_following_shows_each_entry_once_as_it_happens(admin: Caller, name: str) -> None:
    follow = ("audit", "--llm", name, "--follow", "--json", "--since", "1h")
    with admin.begin(*follow) as process:
        assert process.stdout is not None
        first = [json.loads(process.stdout.readline()) for _ in range(2)]
        admin.done("llm", "update", name, "--disable")
        third = json.loads(process.stdout.readline())
        admin.done("llm", "delete", name, "--yes")
        fourth = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate()
    actions = [entry["action"] for entry in (*first, third, fourth)]
    assert actions == ["llm.create", "llm.update", "llm.update", "llm.delete"]
    assert third["members"] == ["enabled"]
    assert (process.returncode, output, errors) == (130, b"", b"")


def test_following_has_no_end(admin: Caller) -> None:
    for end in (("--limit", "3"), ("--until", "2030-01-01")):
        assert admin.run("audit", "--follow", *end).status == 2


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("90s", "2026-11-21T09:58:30.000Z"),
        ("30m", "2026-11-21T09:30:00.000Z"),
        ("2h", "2026-11-21T08:00:00.000Z"),
        ("7d", "2026-11-14T10:00:00.000Z"),
        ("1w", "2026-11-14T10:00:00.000Z"),
        ("2026-11-20", "2026-11-20T00:00:00.000Z"),
        ("2026-11-20T12:30", "2026-11-20T12:30:00.000Z"),
        ("2026-11-20T12:30:00.25+02:00", "2026-11-20T10:30:00.250Z"),
    ],
)
def test_a_time_is_written_in_many_ways(text: str, meaning: str) -> None:
    assert moment(text, NOW_MS) == meaning


@pytest.mark.parametrize("text", ["", "yesterday", "2 h", "-2h", "999999w", "2026-13-01", "2h3m"])
def test_other_times_are_none(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="2h or 7d ago"):
        moment(text, NOW_MS)
