"""`dragoman llm list|get|create|update|delete`, on a server with two workers."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.cli.calling import CTRL_C, Caller
from tests.running import RunningDragoman

ENDPOINT = "https://llm.example/v1/chat/completions"

Make = Callable[..., str]


@pytest.fixture
def name() -> str:
    """Give a name that no other test uses."""
    return f"llm-{uuid4().hex[:12]}"


@pytest.fixture
def make(admin: Caller, name: str) -> Make:
    """Register an LLM of that name; gives its id."""

    def make(*options: str, **others: Any) -> str:
        common = ("--protocol", "openai", "--model", "tiny", "--endpoint", ENDPOINT, "--json")
        done = admin.done("llm", "create", "--name", name, *common, *options, **others)
        return str(json.loads(done)["id"])

    return make


def shown(caller: Caller, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(caller.done("llm", "get", name, "--json"))
    return found


def test_options_and_a_file_become_an_llm(admin: Caller, name: str, tmp_path: Path) -> None:
    (tmp_path / "llm.yaml").write_text(
        "# for the avatars\nmodel: from-file\ndescription: from the file\n"
        "sampling: {top_p: 0.5, temperature: 2}\nlabels: {tier: a}\ntimeouts: {idle_s: 3}\n"
    )
    (tmp_path / "headers").write_text("# of the proxy\nX-Team: avatars\n\n")
    said = admin.done(
        *("llm", "create", "--name", name, "--protocol", "azure_openai", "--model", "tiny"),
        *("--endpoint", f"{ENDPOINT}@eu-west", "--endpoint", "https://b.example/m@1/x"),
        *("--provider", "vllm", "--deployment-name", "d", "--api-version", "v"),
        *("--temperature", "0.5", "--max-tokens", "7", "--label", "env=prod", "--tag", "x"),
        *("--header-file", str(tmp_path / "headers"), "--disable"),
        *("--from", str(tmp_path / "llm.yaml")),
    )
    llm = shown(admin, name)
    assert said == f"Registered '{name}' ({llm['id']}).\n"
    assert [(each["url"], each["region"]) for each in llm["endpoints"]] == [
        (ENDPOINT, "eu-west"),
        ("https://b.example/m@1/x", None),
    ]
    sampling = {key: value for key, value in llm["sampling"].items() if value}
    assert sampling == {"temperature": 0.5, "max_tokens": 7, "top_p": 0.5}
    assert llm["labels"] == {"env": "prod", "tier": "a"}
    assert llm["headers"] == {"x-team": "****"}
    expected = {
        "model": "tiny",
        "description": "from the file",
        "provider": "vllm",
        "deployment_name": "d",
        "api_version": "v",
        "tags": ["x"],
        "enabled": False,
        "credential": None,
    }
    assert {key: llm[key] for key in expected} == expected
    assert llm["timeouts"]["idle_s"] == 3


def test_a_card_shows_what_is_set_and_no_more(admin: Caller, name: str, make: Make) -> None:
    id_ = make("--label", "env=prod", "--secret-file", "-", "--tag", "a", stdin=b"sk-1\n")
    card = admin.done("llm", "get", name).splitlines()
    fields = {line[:19].strip(): line[19:].strip() for line in card}
    assert (fields["display_name"], fields["id"]) == (name, id_)
    assert fields["endpoints"] == ENDPOINT
    assert fields["credential"] == "a stored secret, sent as Authorization behind 'Bearer '"
    assert (fields["env"], fields["tags"], fields["enabled"]) == ("prod", "a", "yes")
    assert not {"description", "provider", "updated"} & fields.keys()


def test_what_get_prints_can_be_given_back(admin: Caller, name: str, make: Make) -> None:
    id_ = make("--secret-file", "-", "--label", "a=b", stdin=b"sk-1\n")
    before = admin.done("llm", "get", name, "--json").encode()
    said = admin.done("llm", "update", name, "--from", "-", stdin=before)
    assert said == f"Nothing to change: '{name}' ({id_}) is like that already.\n"
    changed = before.replace(b'"tiny"', b'"larger"')
    said = admin.done("llm", "update", name, "--from", "-", stdin=changed)
    assert said == f"Changed model of '{name}' ({id_}).\n"

    clone = ("llm", "create", "--from", "-", "--name", f"{name}-2")
    assert "--ask-secret or --secret-file" in admin.refused(*clone, stdin=before)
    admin.done(*clone, "--no-secret", stdin=before)
    assert shown(admin, f"{name}-2")["labels"] == {"a": "b"}


def test_an_update_changes_what_it_names(admin: Caller, name: str, make: Make) -> None:
    id_ = make("--label", "env=prod", "--label", "a=b", "--description", "x", "--temperature", "1")
    said = admin.done(
        *("llm", "update", name, "--name", f"{name}-new", "--label", "env=dev", "--disable"),
        *("--clear", "labels.a", "--clear", "description", "--clear", "sampling.temperature"),
    )
    assert said == (
        f"Changed display_name, description, sampling, labels, enabled of '{name}-new' ({id_}).\n"
    )
    llm = shown(admin, id_)
    assert (llm["labels"], llm["description"], llm["enabled"]) == ({"env": "dev"}, None, False)
    assert llm["sampling"]["temperature"] is None


def test_a_dry_run_stores_nothing(admin: Caller, name: str, make: Make) -> None:
    make()
    said = admin.done("llm", "update", name, "--model", "other", "--dry-run")
    assert said.startswith("Nothing was stored. It would be:\n\ndisplay_name")
    assert "other" in said
    assert shown(admin, name)["model"] == "tiny"
    options = ("--protocol", "openai", "--model", "m", "--endpoint", ENDPOINT, "--dry-run")
    admin.done("llm", "create", "--name", f"{name}-2", *options)
    assert "There is no LLM" in admin.refused("llm", "get", f"{name}-2")


def test_a_name_can_be_kept_unique(admin: Caller, name: str, make: Make) -> None:
    make()
    common = ("--name", name, "--protocol", "openai", "--model", "tiny", "--endpoint", ENDPOINT)
    for unique in ("name", "connection"):
        admin.refused("llm", "create", *common, "--unique", unique)


def test_a_name_that_several_have_is_not_enough(admin: Caller, name: str, make: Make) -> None:
    ids = {make(), make()}
    said = admin.refused("llm", "delete", name, "--yes")
    assert said.startswith(f"2 LLMs are named '{name}'; say which by its id: ")
    assert set(said.rstrip(".").partition(": ")[2].split(", ")) == ids


def test_without_a_terminal_nothing_is_deleted_by_accident(
    admin: Caller, name: str, make: Make
) -> None:
    id_ = make()
    assert "--yes" in admin.refused("llm", "delete", name, stdin=b"y\n")
    assert admin.done("llm", "delete", name, "--yes") == f"Deleted '{name}' ({id_}).\n"
    assert admin.refused("llm", "get", id_) == (
        f"There is no LLM '{id_}' that this key may read; 'dragoman llm list' shows all."
    )


def test_at_a_terminal_it_is_asked(admin: Caller, name: str, make: Make) -> None:
    make()
    with admin.at_terminal("llm", "delete", name) as terminal:
        asked = terminal.sees("[y/N] ")
        assert "tiny at llm.example?" in asked
        terminal.types("\n")
        terminal.sees("Nothing was deleted.")
        assert terminal.ends() == 0
    with admin.at_terminal("llm", "delete", name) as terminal:
        terminal.sees("[y/N] ")
        terminal.types(CTRL_C)
        assert terminal.ends() == 130
        assert "Traceback" not in terminal.shown
    with admin.at_terminal("llm", "delete", name) as terminal:
        terminal.sees("[y/N] ")
        terminal.types("y\n")
        terminal.sees("Deleted")
        assert terminal.ends() == 0


def test_a_list_is_lines_in_a_pipe_and_a_table_at_a_terminal(
    admin: Caller, name: str, make: Make
) -> None:
    make("--label", f"only={name}", "--disable")
    wanted = ("llm", "list", "--label", f"only={name}")
    head, line = admin.done(*wanted).splitlines()
    assert head.split("\t") == [
        *("Name", "Protocol", "Model", "Host", "Enabled", "Owner", "Updated")
    ]
    assert line.split("\t")[:6] == [name, "openai", "tiny", "llm.example", "no", "me"]
    with admin.at_terminal(*wanted, columns=90) as terminal:
        assert terminal.ends() == 0
    assert name in terminal.shown
    assert "┃" in terminal.shown
    widths = {len(re.sub("\x1b\\[[0-9]*m", "", line)) for line in terminal.shown.splitlines()}
    assert widths <= set(range(80, 91))


def test_no_color_is_respected(admin: Caller, name: str, make: Make) -> None:
    make()
    with admin.at_terminal("llm", "get", "nothing-is-named-this", NO_COLOR="1") as terminal:
        assert terminal.ends() == 1
    assert "\x1b" not in terminal.shown
    with admin.at_terminal("llm", "get", "nothing-is-named-this") as terminal:
        assert terminal.ends() == 1
    assert "\x1b[31m" in terminal.shown


def test_filters_choose(admin: Caller, name: str, make: Make) -> None:
    make("--label", f"only={name}", "--provider", "vllm", "--description", f"about {name}")
    make("--label", f"only={name}", "--disable")
    only = ("llm", "list", "--json", "--label", f"only={name}")

    def count(*filters: str) -> int:
        return len(json.loads(admin.done(*only, *filters)))

    assert count() == 2
    assert count("--enabled") == 1
    assert count("--disabled", "--no-platform") == 1
    assert count("--provider", "vllm", "--protocol", "openai", "--model", "tiny") == 1
    assert count("--search", f"about {name}", "--name", name) == 1
    assert count("--owner", "me") == 2
    assert count("--owner", str(uuid4())) == 0
    assert count("--limit", "1") == 1


def test_a_list_is_read_to_its_end(server: RunningDragoman, admin: Caller, name: str) -> None:
    body = {"display_name": name, "protocol": "openai", "model": "m"}
    body |= {"endpoints": [{"url": ENDPOINT}], "labels": {"many": name}}  # type: ignore[dict-item]
    with server.client() as client:
        for _ in range(205):
            assert client.post("/api/v1/llms", json=body).status_code == 201
    wanted = ("llm", "list", "--label", f"many={name}", "--json")
    assert len({llm["id"] for llm in json.loads(admin.done(*wanted))}) == 205
    assert len(json.loads(admin.done(*wanted, "--limit", "201"))) == 201


def test_a_reader_that_leaves_is_no_error(admin: Caller, make: Make) -> None:
    make()
    with admin.begin("llm", "list") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_an_argument_that_is_no_text_is_told(admin: Caller) -> None:
    odd = os.fsdecode(b"caf\xe9")
    assert admin.refused("llm", "get", odd) == "An argument is not text in UTF-8."
    admin.refused("llm", "chat", "x", odd)


def test_who_may_not_is_told_so(server: RunningDragoman, name: str, make: Make) -> None:
    make()
    caller = Caller(server.url, server.new_key("caller"))
    said = caller.refused("llm", "update", name, "--model", "x")
    assert "dragoman key create --help" in said


def test_usage_that_makes_no_sense_is_status_2(admin: Caller, name: str) -> None:
    wrong = [
        (("llm", "create", "--name", name, "--model", "m"), "--protocol, --endpoint"),
        (("llm", "update", name), "Say what to change"),
        (("llm", "update", name, "--clear", "model"), "cannot be empty"),
        (("llm", "update", name, "--label", "a=b", "--clear", "labels.a"), "Either set"),
        (("llm", "update", name, "--label", "a"), "key=value"),
        (("llm", "update", name, "--endpoint", "https://llm.example@eu"), "needs its path"),
        (("llm", "update", name, "--no-secret", "--ask-secret"), "Use one of"),
        (("llm", "update", name, "--from", "-", "--secret-file", "-"), "cannot both"),
        (("llm", "list", "--protocol", "smtp"), "--protocol"),
        (("llm", "get"), "name_or_id"),
    ]
    for arguments, words in wrong:
        ended = admin.run(*arguments)
        assert (ended.status, ended.output) == (2, ""), ended
        assert words in " ".join(ended.errors.split()), ended.errors


def test_files_that_describe_no_llm_are_refused_without_repeating_them(
    admin: Caller, name: str, tmp_path: Path
) -> None:
    planted = "sk-in-the-wrong-place"
    wrong = [
        (f'{{"credential": {{"secret": "{planted}"}}', "is no JSON: line 1, column"),
        (f"- {planted}\n", "must hold one object"),
        (f"secret: '{planted}\n", "neither JSON nor YAML"),
        (f"secret: {planted}\nversion: 2026-01-01\n", "quote it"),
        (f'{{"display_name": "{planted}"}}'.encode("utf-16").decode("latin-1"), "not text"),
    ]
    for text, words in wrong:
        (tmp_path / "llm").write_bytes(text.encode("latin-1"))
        said = admin.refused("llm", "update", name, "--from", str(tmp_path / "llm"))
        assert words in said
        assert planted not in said
    assert "No such file" in admin.refused("llm", "update", name, "--from", "/nothing")
