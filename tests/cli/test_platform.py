"""`dragoman platform`: the file, its secrets and its mistakes; and what tenants see of it all."""

import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.cli.command import Ended, dragoman, environment, refused
from tests.cli.processes import eventually
from tests.marking_upstream import marking_upstream
from tests.running import RunningDragoman, registration

ONE = """
llms:
  - display_name: one
    protocol: openai
    model: m
    endpoints: [{url: "https://one.example/v1/chat/completions"}]
    credential: {secret: {env: ONE_SECRET}}
"""
SECRET = "sk-canary-8b1f"


def apply(
    text: str | bytes, *options: str, data_dir: Path, secret: str = SECRET, **settings: str
) -> Ended:
    """Apply a file that comes through standard input."""
    ended = subprocess.run(
        [sys.executable, "-m", "dragoman", "platform", "apply", "-", *options],
        env=environment(data_dir, **settings) | {"ONE_SECRET": secret},
        input=text if isinstance(text, bytes) else text.encode(),
        capture_output=True,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout.decode(), ended.stderr.decode())


def applied(text: str, *options: str, data_dir: Path, **settings: str) -> str:
    ended = apply(text, *options, data_dir=data_dir, **settings)
    assert (ended.status, ended.errors) == (0, "")
    return ended.output


def problems(text: str | bytes, *options: str, data_dir: Path) -> list[str]:
    """Apply a file that must be refused; gives each line, and holds that nothing is quoted."""
    ended = apply(text, *options, data_dir=data_dir)
    assert (ended.status, ended.output) == (1, "")
    assert "canary" not in ended.errors
    assert rows(data_dir, "SELECT COUNT(*) FROM llms") == [(0,)]
    return ended.errors.removesuffix("Nothing was changed.\n").splitlines()


def rows(data_dir: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(data_dir / "dragoman.db")) as database:
        return database.execute(query).fetchall()


# --- The file --------------------------------------------------------------------------------


def example() -> str:
    ended = dragoman("platform", "example")
    assert (ended.status, ended.errors) == (0, "")
    return ended.output


def test_the_example_can_be_applied_as_it_is(data_dir: Path) -> None:
    assert "1 created." in applied(example(), data_dir=data_dir)
    assert "1 unchanged." in applied(example(), data_dir=data_dir)
    assert rows(data_dir, "SELECT is_default, zero_data_retention, owner_id FROM llms") == [
        (1, 1, "operator")
    ]


def test_what_the_example_has_commented_out_is_right_too(data_dir: Path, tmp_path: Path) -> None:
    text = re.sub(r"(?m)^  #(- |  )", r"  \1", example())
    (tmp_path / "secret").write_text("sk-from-a-file\n")
    text = text.replace("/run/secrets/regional", str(tmp_path / "secret"))
    for name in ("OPENAI_API_KEY", "REGIONAL_PROJECT"):
        text = text.replace(name, "ONE_SECRET")
    assert "4 created." in applied(text, data_dir=data_dir)
    assert "4 unchanged." in applied(text, data_dir=data_dir)


def test_a_file_that_is_named_is_read(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "platform.yaml").write_text(example())
    ended = dragoman("platform", "apply", tmp_path / "platform.yaml", data_dir=data_dir)
    assert (ended.status, ended.errors) == (0, "")
    line = refused("platform", "apply", tmp_path / "nothing.yaml", data_dir=data_dir)
    assert "nothing.yaml" in line


def test_what_is_printed_says_what_became_of_each(data_dir: Path) -> None:
    assert "1 created." in applied(ONE, data_dir=data_dir)
    changed = ONE.replace("model: m", "model: n")
    dry = applied(changed, "--dry-run", data_dir=data_dir)
    assert "1 updated." in dry
    assert "model" in dry
    assert dry.endswith("This was a dry run: nothing was changed.\n")
    assert rows(data_dir, "SELECT model FROM llms") == [("m",)]
    other = ONE.replace("display_name: one", "display_name: two")
    left = applied(other, data_dir=data_dir)
    assert "1 created, 1 left." in left
    assert "--prune" in left
    assert "1 unchanged, 1 pruned." in applied(other, "--prune", data_dir=data_dir)
    assert applied("llms: []", "--prune", data_dir=data_dir).endswith("1 pruned.\n")
    assert applied("llms: []", data_dir=data_dir).endswith("There are no platform LLMs.\n")


def test_every_problem_is_told_at_once_with_its_place(data_dir: Path) -> None:
    lines = problems(
        """
llms:
  - display_name: one
    protocol: opena
    model: 5
    colour: canary
    sk-canary1: x
    endpoints: [{ur: canary}]
    capabilities: {chatt: true}
    sampling: {temperature: canary}
    enabled: yes
  - display_name: two
    protocol: openai
    model: m
    endpoints: [{url: "https://a.example"}, {url: "ftp://canary"}, {url: "http://10.0.0.1/"}]
    credential: {secret: {env: NO_CANARY}}
    headers: {authorization: {env: ONE_SECRET}, x-more: {file: /nothing/canary}}
    labels: {"a canary": b}
  - {display_name: two, protocol: none, model: m}
  - canary
others: canary
""",
        data_dir=data_dir,
    )
    assert [line.partition(": ")[0] for line in lines] == [
        "others",
        "llms[0].protocol",
        "llms[0].endpoints[0].url",
        "llms[0].endpoints[0].ur",
        "llms[0].model",
        "llms[0].sampling.temperature",
        "llms[0].capabilities.chatt",
        "llms[0].enabled",
        "llms[0].colour",
        "llms[0].*",
        "llms[1].headers.x-more",
        "llms[1].credential.secret",
        "llms[1].labels",
        "llms[1].endpoints[1].url",
        "llms[1].endpoints[2].url",
        "llms[1].headers",
        "llms[2].display_name",
        "llms[3]",
    ]
    assert lines[0] == "others: is not a member that this file has"
    assert lines[14].endswith("add 10.0.0.1/32 or its network to DRAGOMAN_EGRESS_ALLOW.")


def test_the_operators_egress_setting_counts(data_dir: Path) -> None:
    text = ONE.replace("https://one.example", "http://10.0.0.1")
    assert problems(text, data_dir=data_dir)
    assert "1 created." in applied(text, data_dir=data_dir, egress_allow="10.0.0.0/8")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (ONE + "    model: canary\n", "Line 8, column 5: this key stands here twice."),
        (
            ONE + "    description: &canary x\n",
            "Line 8, column 18: anchors and aliases are not taken; write it out.",
        ),
        (
            "a: &a [x]\nb: &b [*a, *a]\n",
            "Line 1, column 4: anchors and aliases are not taken; write it out.",
        ),
        (ONE + "    tags: !!python/name:os.system x\n", "Line 8, column 11: tags are not taken."),
        ("[" * 100, "Line 1, column 65: this is nested deeper than 64 levels."),
        ("[" * 100_000, "Line 1, column 65: this is nested deeper than 64 levels."),
        (
            "llms: [canary: canary: canary]",
            "Line 1, column 22: this is not valid YAML; look at indentation and quotes.",
        ),
        (
            "a: 1\n---\nb: canary\n",
            "Line 2, column 1: this is not valid YAML; look at indentation and quotes.",
        ),
        ('a: "\\0canary"', "Line 1, column 4: this text holds a character that cannot be stored."),
        ('a: "\\ud800"', "Line 1, column 4: this text holds a character that cannot be stored."),
        ("a: 1e999", "Line 1, column 4: this number is too large."),
        ("1: canary", "Line 1, column 1: a key has to be a text."),
        (b"\xff\xfecanary", "The file is not text in UTF-8."),
        ("a: \x07canary", "The file holds a character that YAML does not allow."),
        ("#" * 1_100_000, "The file is larger than 1024 KiB."),
        ("", "llms: the file must have one member 'llms', a list"),
        ("- canary", "llms: the file must have one member 'llms', a list"),
        ("llms: {canary: 1}", "llms: the file must have one member 'llms', a list"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_what_is_not_plain_yaml_is_refused(data_dir: Path, text: str | bytes, line: str) -> None:
    assert problems(text, data_dir=data_dir) == [line]


def test_texts_that_yaml_takes_for_something_else_stay_texts(data_dir: Path) -> None:
    applied(
        ONE + "    api_version: 2024-10-21\n    labels: {a: no, b: 010, c: 1:30, d: .inf}\n",
        data_dir=data_dir,
    )
    assert rows(data_dir, "SELECT api_version, labels FROM llms") == [
        ("2024-10-21", '{"a":"no","b":"010","c":"1:30","d":".inf"}')
    ]


# --- Secrets ---------------------------------------------------------------------------------


PLAIN = (
    "llms[0].credential.secret: is a secret in plain text; write {env: NAME} or {file: PATH} "
    "in its place, or allow it with --allow-plain-secrets"
)


def test_a_secret_in_the_file_itself_needs_the_operators_word(data_dir: Path) -> None:
    text = ONE.replace("{env: ONE_SECRET}", SECRET)
    assert problems(text, data_dir=data_dir) == [PLAIN]
    assert "1 created." in applied(text, "--allow-plain-secrets", data_dir=data_dir)
    assert "1 unchanged." in applied(ONE, data_dir=data_dir)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("{env: NOT_SET}", "this environment variable is not set"),
        ("{env: sk-canary}", "this environment variable is not set"),
        ("{file: /canary}", "this file cannot be read as text, or is empty"),
        ("{file: /}", "this file cannot be read as text, or is empty"),
        ("{file: /dev/null}", "this file cannot be read as text, or is empty"),
        ("{env: A, file: B}", "must be {env: NAME} or {file: PATH}"),
        ("{sk-canary: }", "must be {env: NAME} or {file: PATH}"),
        ("5", "must be {env: NAME} or {file: PATH}"),
        ("null", "must be {env: NAME} or {file: PATH}"),
    ],
)
def test_a_secret_that_is_not_there_is_a_problem(data_dir: Path, written: str, reason: str) -> None:
    lines = problems(ONE.replace("{env: ONE_SECRET}", written), data_dir=data_dir)
    assert lines == [f"llms[0].credential.secret: {reason}"]


def test_a_secret_that_cannot_be_one_is_refused_without_its_text(data_dir: Path) -> None:
    ended = apply(ONE, data_dir=data_dir, secret="sk canary\n")
    assert ended.status == 1
    assert ended.errors.startswith("llms[0].credential.secret: begins or ends with white space")
    assert "canary" not in ended.errors


def test_a_secret_is_stored_sealed_and_printed_nowhere(data_dir: Path) -> None:
    printed = applied(ONE, data_dir=data_dir)
    assert SECRET not in printed
    for path in data_dir.iterdir():
        assert SECRET.encode() not in path.read_bytes(), path.name


def test_without_its_key_file_nothing_is_sealed(data_dir: Path) -> None:
    (data_dir / "kek").rename(data_dir / "elsewhere")
    ended = apply(ONE, data_dir=data_dir)
    assert ended.status == 1
    assert ended.errors.startswith(f"There is no key file {data_dir}/kek. Restore it")


# --- Secrets that stay with the operator ------------------------------------------------------

LENT = ONE.replace("{secret: {env: ONE_SECRET}}", "{reference: env://ONE_SECRET}")
GOOGLES = ONE.replace("{secret: {env: ONE_SECRET}}", "{google_adc: {scopes: [s]}}").replace(
    "one.example", "one.googleapis.com"
)


@pytest.mark.parametrize(
    ("text", "held"),
    [
        (LENT, '{"type":"secret_reference","uri":"env://ONE_SECRET","hints":{}}'),
        (GOOGLES, '{"type":"google_adc","scopes":["s"],"quota_project_id":null}'),
    ],
)
def test_a_secret_may_stay_where_the_server_finds_it(data_dir: Path, text: str, held: str) -> None:
    assert "1 created." in applied(text, data_dir=data_dir)
    assert "1 unchanged." in applied(text, data_dir=data_dir)
    assert rows(data_dir, "SELECT credential_held FROM llms") == [(held,)]
    assert rows(data_dir, "SELECT COUNT(*) FROM llm_secrets") == [(0,)]
    assert "1 updated." in applied(ONE.replace("one.example", "two.example"), data_dir=data_dir)
    assert rows(data_dir, "SELECT COUNT(*) FROM grants") == [(0,)]


@pytest.mark.parametrize(
    ("credential", "lines"),
    [
        ("{}", ["llms[0].credential: must have one of secret, reference and google_adc"]),
        (
            "{reference: env://CANARY, google_adc: {}}",
            ["llms[0].credential: must have one of secret, reference and google_adc"],
        ),
        (
            "{secret: {env: ONE_SECRET}, reference: env://CANARY}",
            ["llms[0].credential: must have one of secret, reference and google_adc"],
        ),
        (
            "{reference: sk-canary}",
            [
                (
                    "llms[0].credential.reference: must be env://NAME, file:///path or "
                    "vault://mount/path#field"
                )
            ],
        ),
        (
            "{reference: env://DRAGOMAN_CANARY}",
            [
                (
                    "llms[0].credential.reference: is a variable of Dragoman itself, which no LLM "
                    "may be sent"
                )
            ],
        ),
        (
            '{google_adc: {scopes: ["a canary"]}}',
            ["llms[0].credential.google_adc: must be a few scopes and a project's id"],
        ),
        (
            "{google_adc: {}}",
            [
                (
                    "llms[0].endpoints[0].url: must be https and end in .googleapis.com: Google's "
                    "credentials go nowhere else"
                )
            ],
        ),
    ],
)
def test_a_secret_that_cannot_be_lent_is_a_problem(
    data_dir: Path, credential: str, lines: list[str]
) -> None:
    found = problems(ONE.replace("{secret: {env: ONE_SECRET}}", credential), data_dir=data_dir)
    assert found == lines


# --- Among tenants ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDragoman]:
    """Run two workers, and a tenant beside the first organization."""
    data_dir = tmp_path_factory.mktemp("platform") / "data"
    with RunningDragoman.start(data_dir, workers=2) as server:
        assert server.cli("org", "create", "--name", "acme").returncode == 0
        yield server


@pytest.fixture
def clients(server: RunningDragoman) -> Iterator[list[httpx2.Client]]:
    """Give an admin of each organization."""
    made = server.cli("key", "create", "--org", "acme", "--role", "admin", "--name", "k", "--plain")
    with server.client() as ours, server.client(made.stdout.strip()) as theirs:
        yield [ours, theirs]


def apply_to(server: RunningDragoman, text: str, *options: str) -> float:
    """Apply a file to a running installation; tells when that was done [s]."""
    applied(text, *options, data_dir=server.data_dir, egress_allow="127.0.0.0/8")
    return time.monotonic()


def listed(client: httpx2.Client) -> dict[str, Any]:
    return {llm["displayName"]: llm for llm in client.get("/v1/llms").json()["data"]}


def is_listed(client: httpx2.Client) -> bool:
    return "one" in listed(client)


def is_gone(client: httpx2.Client) -> bool:
    return "one" not in listed(client)


def test_every_organization_sees_a_platform_llm_and_none_may_change_it(
    server: RunningDragoman, clients: list[httpx2.Client]
) -> None:
    apply_to(server, ONE + "    is_default: true\n    zero_data_retention: true\n")
    for client in clients:
        assert eventually(partial(is_listed, client), within_s=1)
        llm = listed(client)["one"]
        assert (llm["isDefault"], llm["isGlobal"], llm["isZdr"]) == (True, True, True)
        path = f"/v1/llms/{llm['id']}"
        assert client.get(path).status_code == 200
        assert client.put(path, json={"displayName": "mine"}).status_code == 403
        assert client.delete(path).status_code == 403
        names = [model["id"] for model in client.get("/v1/models").json()["data"]]
        assert "one" in names
    apply_to(server, "llms: []", "--prune")
    for client in clients:
        assert eventually(partial(is_gone, client), within_s=1)


def call(client: httpx2.Client, model: str) -> int:
    body = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
    return client.post("/v1/chat/completions", json=body).status_code


def test_both_workers_call_it_within_a_second_and_a_tenants_own_name_comes_first(
    server: RunningDragoman, clients: list[httpx2.Client]
) -> None:
    with marking_upstream() as base_url:
        text = ONE.replace("https://one.example/v1", base_url).replace("name: one", "name: shared")
        assert {call(clients[0], "shared") for _ in range(10)} == {404}
        done_at = apply_to(server, text)
        time.sleep(max(0.0, done_at + 1 - time.monotonic()))
        # Each call opens a connection of its own, so that either worker may take it.
        assert [_call_anew(server, "shared") for _ in range(20)] == [200] * 20
        # A tenant's own LLM of that name, which cannot be reached, is what they call.
        body = registration("http://127.0.0.1:9/v1/chat/completions", displayName="shared")
        own = clients[0].post("/v1/llms", json=body).json()["id"]
        assert [call(client, "shared") for client in clients] == [502, 200]
        twin = clients[0].post("/v1/llms", json=body).json()["id"]
        answer = clients[0].post("/v1/chat/completions", json={"model": "shared", "messages": []})
        assert answer.status_code == 400
        assert own in answer.text
        assert twin in answer.text
    apply_to(server, "llms: []", "--prune")


def _call_anew(server: RunningDragoman, model: str) -> int:
    with server.client() as client:
        return call(client, model)


def test_two_files_applied_at_once_make_each_llm_once(data_dir: Path, tmp_path: Path) -> None:
    members = "\n".join(
        f"  - {{display_name: llm {n}, protocol: none, model: m}}" for n in range(50)
    )
    (tmp_path / "many.yaml").write_text(f"llms:\n{members}\n")
    commands = [
        subprocess.Popen(
            [sys.executable, "-m", "dragoman", "platform", "apply", tmp_path / "many.yaml"],
            env=environment(data_dir),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    ends = [command.communicate() for command in commands]
    assert [command.returncode for command in commands] == [0, 0, 0], ends
    told = sorted(output.decode().splitlines()[-1] for output, _ in ends)
    assert told == ["50 created.", "50 unchanged.", "50 unchanged."]
    assert rows(data_dir, "SELECT COUNT(*), COUNT(DISTINCT display_name) FROM llms") == [(50, 50)]
