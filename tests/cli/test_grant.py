"""`dragoman grant`: giving, listing and taking what organizations may use of the operator's."""

import json
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Ended, dragoman, environment, refused
from tests.running import RunningDragoman

KEY = "env://OPENAI_API_KEY"
OPENAI = "https://api.openai.com"
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def rows(data_dir: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(data_dir / "dragoman.db")) as database, database:
        return database.execute(query).fetchall()


def done(*arguments: str, data_dir: Path) -> str:
    """Run a command that must end well without a complaint; gives what it printed."""
    ended = dragoman("grant", *arguments, data_dir=data_dir)
    assert (ended.status, ended.errors) == (0, "")
    return ended.output


def apply(text: str, *options: str, data_dir: Path) -> Ended:
    """Apply a file that comes through standard input."""
    ended = subprocess.run(
        [sys.executable, "-m", "dragoman", "grant", "apply", "-", *options],
        env=environment(data_dir),
        input=text.encode(),
        capture_output=True,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout.decode(), ended.stderr.decode())


def applied(text: str, *options: str, data_dir: Path) -> str:
    ended = apply(text, *options, data_dir=data_dir)
    assert (ended.status, ended.errors) == (0, "")
    return ended.output


def lend(data_dir: Path, count: int = 1) -> None:
    """Let LLMs of the first organization name the secret, as if they had been registered so."""
    members = "\n".join(
        f"  - {{display_name: l{n}, protocol: openai, model: m, endpoints: [{{url: '{OPENAI}'}}], "
        f"credential: {{reference: '{KEY}'}}}}"
        for n in range(count)
    )
    (data_dir / "p.yaml").write_text(f"llms:\n{members}\n")
    assert dragoman("platform", "apply", data_dir / "p.yaml", data_dir=data_dir).status == 0
    rows(
        data_dir,
        "UPDATE llms SET organization_id = (SELECT id FROM organizations WHERE name = 'default')",
    )
    rows(data_dir, "DELETE FROM grants")


# --- One by one ------------------------------------------------------------------------------


def test_a_grant_is_given_listed_and_taken(data_dir: Path) -> None:
    printed = done("add", KEY, "--org", "default", "--origin", OPENAI, data_dir=data_dir)
    (id_,) = UUID.findall(printed)
    assert printed == (
        f"The organization 'default' may use {KEY} ({id_}), to be sent to {OPENAI}:443.\n"
    )
    listed = done("list", data_dir=data_dir)
    for word in (id_, "default", KEY, f"{OPENAI}:443"):
        assert word in listed
    assert done("remove", id_, data_dir=data_dir) == (
        f"'default' may not use {KEY} under this grant any more.\nNo LLM needs it now.\n"
    )
    assert rows(data_dir, "SELECT COUNT(*) FROM grants") == [(0,)]
    assert rows(data_dir, "SELECT action, actor_id FROM audit WHERE action LIKE 'grant.%'") == [
        ("grant.create", "operator"),
        ("grant.delete", "operator"),
    ]


def test_the_same_again_says_so_and_plain_prints_the_id_alone(data_dir: Path) -> None:
    words = ("add", KEY, "--org", "default", "--origin", OPENAI)
    id_ = done(*words, "--plain", data_dir=data_dir)
    assert UUID.fullmatch(id_.removesuffix("\n"))
    assert f"may use {KEY} already ({id_.strip()})" in done(*words, data_dir=data_dir)


def test_an_id_names_an_organization_too(data_dir: Path) -> None:
    ((id_,),) = rows(data_dir, "SELECT id FROM organizations WHERE name = 'default'")
    assert "'default' may use google-adc" in done(
        "add", "google-adc", "--org", id_, data_dir=data_dir
    )


def test_json_has_every_member(data_dir: Path) -> None:
    assert json.loads(done("list", "--json", data_dir=data_dir)) == []
    done("add", "google-adc", "--org", "default", data_dir=data_dir)
    (listed,) = json.loads(done("list", "--json", data_dir=data_dir))
    ((id_, organization),) = rows(data_dir, "SELECT id, organization_id FROM grants")
    assert re.fullmatch(r"20[0-9-]{8}T[0-9:.]{12}Z", listed.pop("created_at"))
    assert listed == {
        "id": id_,
        "organization": "default",
        "organization_id": organization,
        "secret": "google-adc",
        "origins": ["https://*.googleapis.com:443"],
    }


def test_a_secret_that_goes_unencrypted_is_warned_of(data_dir: Path) -> None:
    words = ("add", KEY, "--org", "default", "--origin", "http://vllm.internal:8000")
    ended = dragoman("grant", *words, "--plain", data_dir=data_dir)
    assert ended.status == 0
    assert ended.errors == (
        "To http://vllm.internal:8000 the secret is sent unencrypted, and only if "
        "DRAGOMAN_EGRESS_ALLOW lists the network.\n"
    )
    assert UUID.fullmatch(ended.output.strip())


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ("add", KEY, "--org", "nobody's", "--origin", OPENAI),
            (
                "organization: is not the name or id of an organization; 'dragoman org list' shows "
                "them"
            ),
        ),
        (
            ("add", KEY, "--org", "platform", "--origin", OPENAI),
            (
                "organization: is the platform, whose LLMs may use what their file names (dragoman "
                "platform --help)"
            ),
        ),
        (
            ("add", KEY, "--org", "default"),
            "origins: must name at least one, such as https://host",
        ),
        (
            ("add", KEY, "--org", "default", "--origin", f"{OPENAI}/v1"),
            "origins.0: must end with the host or its port, without a path",
        ),
        (
            ("add", "sk-canary", "--org", "default", "--origin", OPENAI),
            (
                "secret: must be env://NAME, file:///path, file:///folder/*, "
                "vault://mount/path#field, vault://mount/path/* or google-adc"
            ),
        ),
        (("remove", "canary"), "There is no grant with this id; see 'dragoman grant list'."),
    ],
)
def test_what_cannot_be_meant_is_told_in_one_line(
    data_dir: Path, arguments: tuple[str, ...], line: str
) -> None:
    assert refused("grant", *arguments, data_dir=data_dir) == line


def test_neither_the_data_directory_nor_a_key_file_elsewhere_is_granted(
    data_dir: Path, tmp_path: Path
) -> None:
    words = ("--org", "default", "--origin", OPENAI)
    kek = tmp_path / "keys" / "kek"
    for secret, settings in (
        (f"file://{data_dir}/admin.key", {}),
        (f"file://{tmp_path}/*", {}),
        (f"file://{kek}", {"kek_file": str(kek)}),
        (f"file://{kek.parent}/*", {"kek_file": str(kek)}),
    ):
        line = refused("grant", "add", secret, *words, data_dir=data_dir, **settings)
        assert line.startswith("secret: reaches Dragoman's data directory or key file")
    done("add", f"file://{kek}", *words, data_dir=data_dir)


def test_whoever_takes_a_grant_hears_how_many_llms_needed_it(data_dir: Path) -> None:
    lend(data_dir, 2)
    words = ("add", KEY, "--org", "default", "--origin", OPENAI, "--plain")
    for number, told in (
        (2, "2 LLMs used it and cannot be called now; 'dragoman doctor' lists them."),
        (1, "1 LLM used it and cannot be called now: "),
    ):
        id_ = done(*words, data_dir=data_dir).strip()
        assert told in done("remove", id_, data_dir=data_dir)
        assert f"Calls of {number} LLM" in dragoman("doctor", data_dir=data_dir).output
        rows(data_dir, "DELETE FROM llms WHERE display_name = 'l1'")


# --- A file ----------------------------------------------------------------------------------

FILE = """
grants:
  - {organization: default, secret: "env://OPENAI_API_KEY", origins: ["https://api.openai.com"]}
  - {organization: default, secret: google-adc}
"""


def example() -> str:
    ended = dragoman("grant", "example")
    assert (ended.status, ended.errors) == (0, "")
    return ended.output


def test_the_example_can_be_applied_as_it_is(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "grants.yaml").write_text(example())
    path = str(tmp_path / "grants.yaml")
    assert "1 given." in done("apply", path, data_dir=data_dir)
    assert "1 unchanged." in done("apply", path, data_dir=data_dir)


def test_what_the_example_has_commented_out_is_right_too(data_dir: Path) -> None:
    ended = apply(re.sub(r"(?m)^  #(- |  )", r"  \1", example()), data_dir=data_dir)
    assert (ended.status, ended.errors.count("\n")) == (0, 1)
    assert "To http://vllm.internal:8000 the secret is sent unencrypted" in ended.errors
    assert "4 given." in ended.output


def test_what_is_not_in_the_file_is_taken(data_dir: Path) -> None:
    lend(data_dir)
    assert "2 given." in applied(FILE, data_dir=data_dir)
    without = FILE.replace("env://OPENAI_API_KEY", "env://ANOTHER")
    dry = applied(without, "--dry-run", data_dir=data_dir)
    assert dry.endswith("This was a dry run: nothing was changed.\n")
    assert "2 unchanged." in applied(FILE, data_dir=data_dir)
    printed = applied(without, data_dir=data_dir)
    assert "1 given, 1 unchanged, 1 taken." in printed
    assert "1 LLM used it and cannot be called now: " in printed
    assert "2 taken." in applied("grants: []", data_dir=data_dir)
    assert applied("grants: []", data_dir=data_dir).endswith("There are no grants.\n")


def test_json_says_what_became_of_each(data_dir: Path) -> None:
    applied(FILE, data_dir=data_dir)
    changed = FILE.replace("https://api.openai.com", "https://eu.api.openai.com")
    told = json.loads(applied(changed, "--json", data_dir=data_dir))
    assert [(each["secret"], each["result"]) for each in told] == [
        (KEY, "given"),
        ("google-adc", "unchanged"),
        (KEY, "taken"),
    ]


def test_every_problem_is_told_at_once_with_its_place(data_dir: Path) -> None:
    ended = apply(
        """
grants:
  - {organization: nobody, secret: sk-canary, origins: [https://a.example/canary]}
  - {organization: default, secret: google-adc, origins: https://canary}
  - {organization: 5, secret: env://A, origins: [https://a.example], sk-canary1: x}
  - {organization: default, secret: env://A, origins: []}
  - {organization: default, secret: env://B, origins: [https://a.example]}
  - {organization: default, secret: env://B, origins: [https://b.example]}
  - canary
others: canary
""",
        data_dir=data_dir,
    )
    assert (ended.status, ended.output) == (1, "")
    assert "canary" not in ended.errors
    lines = ended.errors.splitlines()
    assert lines.pop() == "Nothing was changed."
    assert [line.partition(": ")[0] for line in lines] == [
        "others",
        "grants[0].organization",
        "grants[0].secret",
        "grants[0].origins[0]",
        "grants[1].origins",
        "grants[2].organization",
        "grants[2].*",
        "grants[3].origins",
        "grants[5].secret",
        "grants[6]",
    ]
    assert lines[-2].endswith("is granted in grants[4] already; write all origins there")
    assert rows(data_dir, "SELECT COUNT(*) FROM grants") == [(0,)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("grants: &a []", "Line 1, column 9: anchors and aliases are not taken; write it out."),
        ("- canary", "grants: the file must have one member 'grants', a list"),
        ("", "grants: the file must have one member 'grants', a list"),
    ],
)
def test_what_is_no_such_file_is_refused(data_dir: Path, text: str, line: str) -> None:
    ended = apply(text, data_dir=data_dir)
    assert ended.status == 1
    assert ended.errors.splitlines()[0] == line


# --- Beside a server -------------------------------------------------------------------------


def test_grants_are_given_and_taken_while_a_server_runs(tmp_path: Path) -> None:
    with RunningDragoman.start(tmp_path / "data", workers=2) as server:
        given = server.cli("grant", "add", "google-adc", "--org", "default", "--plain")
        assert (given.returncode, given.stderr) == (0, "")
        listed = server.cli("grant", "list")
        assert given.stdout.strip() in listed.stdout
        assert server.cli("grant", "remove", given.stdout.strip()).returncode == 0
        with server.client() as client:
            entries = client.get("/api/v1/audit").json()["items"]
        assert [entry["action"] for entry in entries][:2] == ["grant.delete", "grant.create"]
