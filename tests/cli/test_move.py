"""`dragoman move`: everything arrives on PostgreSQL and works there, or nothing has happened."""

import asyncio
import json
import os
import pty
import re
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, LiteralString

import msgspec
import psycopg
import pytest
from psycopg import sql
from psycopg.sql import SQL

from dragoman.app import bootstrap, presence
from dragoman.app.clock import SystemClock
from dragoman.app.opened import opened
from dragoman.domain.credential import Credential, Placement
from dragoman.domain.llm import LLM, Configuration, ProtocolName
from dragoman.domain.url import Endpoint
from dragoman.settings import Settings
from dragoman.storage.repositories import llm_rows
from dragoman.storage.sqlite import SqliteDatabase
from dragoman.storage.unit_of_work import SqlStore
from dragoman.vault.envelope import Vault, binding
from dragoman.vault.secret import Secret
from tests.cli.command import Ended, begin, dragoman, environment
from tests.cli.processes import HANG_S, eventually
from tests.marking_upstream import marking_upstream
from tests.postgres import PostgresServer
from tests.running import RunningDragoman, registration

MANY = 20_000
TABLES = ("deployment", "organizations", "principals", "api_keys", "llms", "llm_labels", "grants")


def move(data_dir: Path, url: str, **settings: str) -> Ended:
    """Run it to its end; many rows may take longer than other commands."""
    process = begin(
        "move",
        environment=environment(data_dir, move_to=url, **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        output, errors = process.communicate(timeout=200)
    finally:
        process.kill()
    return Ended(process.returncode, output.decode(), errors.decode())


def moved(data_dir: Path, url: str) -> str:
    ended = move(data_dir, url)
    assert (ended.status, ended.errors) == (0, "")
    return ended.output


def refused(data_dir: Path, url: str, **settings: str) -> str:
    """Move where it must be refused; gives why, and holds that nothing was changed."""
    before = content(data_dir), tables(url)
    ended = move(data_dir, url, **settings)
    assert (ended.status, ended.output) == (1, "")
    assert "Traceback" not in ended.errors
    assert (content(data_dir), tables(url)) == before
    said, why = ended.errors.splitlines()
    assert said == "Nothing was moved: the target is as it was before, and so is the SQLite file."
    return why


def content(data_dir: Path) -> list[str]:
    """Give everything in the SQLite file."""
    with closing(sqlite3.connect(data_dir / "dragoman.db")) as database:
        return list(database.iterdump())


def tables(url: str) -> list[Any]:
    """List what is in a PostgreSQL database; what cannot be reached has nothing."""
    try:
        with psycopg.connect(url) as connection:
            return connection.execute(
                "SELECT relname, relkind FROM pg_class "
                "WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
            ).fetchall()
    except psycopg.OperationalError:
        return []


def counts(url: str) -> dict[str, int]:
    with psycopg.connect(url) as connection:
        return {
            table: connection.execute(
                sql.SQL("SELECT COUNT(*) FROM {}").format(sql.Identifier(table))
            ).fetchall()[0][0]
            for table in TABLES
        }


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.new_database()


# --- Everything works afterwards -------------------------------------------------------------

PLATFORM = """
llms:
  - display_name: for-all
    protocol: openai
    model: m
    endpoints: [{{url: "{url}", region: eu}}]
    is_default: true
    labels: {{a: "ü", b: ""}}
    metadata: {{deep: [1, 2.5, null, "東京 🗝"]}}
    credential: {{secret: sk-platform}}
    headers: {{x-more: header-value}}
  - display_name: lent
    protocol: openai
    model: m
    endpoints: [{{url: "https://llm.example/v1"}}]
    credential: {{reference: "env://PLATFORM_KEY", header: x-key}}
"""


def fill(server: RunningDragoman, base_url: str) -> dict[str, Any]:
    """Make rows of every kind; gives what they looked like from outside."""
    path = server.data_dir.parent / "platform.yaml"
    path.write_text(PLATFORM.format(url=f"{base_url}/chat/completions"))
    for command in (
        ("platform", "apply", str(path), "--allow-plain-secrets"),
        ("org", "create", "--name", "acme"),
        ("key", "create", "--org", "acme", "--role", "editor", "--name", "old"),
        ("key", "revoke", "old", "--org", "acme"),
        ("grant", "add", "google-adc", "--org", "acme"),
    ):
        ended = server.cli(*command)
        assert ended.returncode == 0, ended.stderr
    made = ("key", "create", "--org", "acme", "--role", "admin", "--name", "k", "--expires", "90d")
    key = server.cli(*made, "--plain").stdout.strip()
    with server.client(key) as client:
        body = registration(f"{base_url}/chat/completions", displayName="own")
        llm_id = client.post("/v1/llms", json=body).json()["id"]
        assert client.put(f"/v1/llms/{llm_id}", json={"temperature": 0.5}).status_code == 200
        gone = client.post("/v1/llms", json=body).json()["id"]
        assert client.delete(f"/v1/llms/{gone}").status_code in {200, 204}
        return {"key": key, "list": client.get("/v1/llms").json()}


def call(server: RunningDragoman, key: str, model: str) -> int:
    body = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
    with server.client(key) as client:
        return client.post("/v1/chat/completions", json=body).status_code


def test_everything_works_afterwards(tmp_path: Path, url: str) -> None:
    data_dir = tmp_path / "data"
    with marking_upstream() as base_url:
        with RunningDragoman.start(data_dir, workers=2) as server:
            seen = fill(server, base_url)
        before = content(data_dir)
        printed = moved(data_dir, url)
        assert content(data_dir) == before
        with closing(sqlite3.connect(data_dir / "dragoman.db")) as database:
            ((revision,),) = database.execute("SELECT revision FROM deployment").fetchall()
            audit = database.execute("SELECT * FROM audit ORDER BY revision").fetchall()
        assert f"up to change number {revision}." in printed
        with RunningDragoman.start(data_dir, workers=2, database_url=url) as server:
            key = seen["key"]
            with server.client(key) as client:
                assert client.get("/v1/llms").json() == seen["list"]
                body = registration(f"{base_url}/chat/completions", displayName="new")
                assert client.post("/v1/llms", json=body).status_code == 201
            assert [call(server, key, name) for name in ("own", "for-all", "new")] == [200] * 3
            assert call(server, server.admin_key, "for-all") == 200
            assert server.cli("key", "revoke", "k", "--org", "acme").returncode == 0
            assert eventually(lambda: call(server, key, "own") == 401, within_s=2)
            findings = json.loads(server.cli("doctor", "--json").stdout)["findings"]
            assert [each for each in findings if each["level"] == "problem"] == []
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT * FROM audit ORDER BY revision").fetchall()
        assert rows[: len(audit)] == audit
        numbers = connection.execute("SELECT revision FROM audit ORDER BY 1").fetchall()
        assert numbers == [(number,) for number in range(1, len(rows) + 1)]
    assert len(rows) == len(audit) + 2


def test_grants_and_the_names_of_lent_secrets_arrive(data_dir: Path, url: str) -> None:
    file = data_dir.parent / "platform.yaml"
    file.write_text(PLATFORM.format(url="https://one.example/v1"))
    for command in (
        ("platform", "apply", str(file), "--allow-plain-secrets"),
        ("grant", "add", "env://TENANTS_KEY", "--org", "default", "--origin", "https://a.example"),
    ):
        assert dragoman(*command, data_dir=data_dir).status == 0
    change(data_dir, """UPDATE llms SET credential_labels = '{"of":"ops"}'""")
    of_llms = "SELECT id, credential_generation, credential_held, credential_labels FROM llms"
    queries: tuple[LiteralString, ...] = (
        "SELECT id, organization_id, secret, origins, created_at_ms FROM grants ORDER BY id",
        f"{of_llms} ORDER BY id",
    )
    with closing(sqlite3.connect(data_dir / "dragoman.db")) as database:
        ours = [database.execute(query).fetchall() for query in queries]
    assert [len(rows) for rows in ours] == [2, 2]
    moved(data_dir, url)
    with psycopg.connect(url) as connection:
        assert [connection.execute(query).fetchall() for query in queries] == ours
    listed = dragoman("grant", "list", "--json", data_dir=data_dir, database_url=url)
    assert [each["secret"] for each in json.loads(listed.output)] == [
        "env://PLATFORM_KEY",
        "env://TENANTS_KEY",
    ]


def test_it_says_what_to_set_and_never_the_password(data_dir: Path, url: str) -> None:
    with_password = url.replace("postgres@", "postgres:pass-canary@")
    ended = move(data_dir, with_password)
    assert (ended.status, ended.errors) == (0, "")
    assert 'export DRAGOMAN_DATABASE_URL="$DRAGOMAN_MOVE_TO"' in ended.output
    assert f"The key file {data_dir}/kek stays needed" in ended.output
    assert "organizations: 2\n" in ended.output
    assert "canary" not in ended.output


def test_the_option_names_the_target_too(data_dir: Path, url: str) -> None:
    ended = dragoman("move", "--to", url, data_dir=data_dir)
    assert (ended.status, ended.errors) == (0, "")
    assert counts(url)["organizations"] == 2


def test_a_schema_without_rows_counts_as_empty(data_dir: Path, postgres: PostgresServer) -> None:
    url = postgres.new_database(prepared=True)
    moved(data_dir, url)
    assert counts(url)["api_keys"] == 1


# --- Refusals --------------------------------------------------------------------------------


def test_a_running_server_is_not_moved_from_under(tmp_path: Path, url: str) -> None:
    with RunningDragoman.start(tmp_path / "data", workers=2) as server:
        assert refused(server.data_dir, url) == (
            "A server of this installation is running. Stop all of them, then try again."
        )
        assert server.process is not None
        for pid in (*server.worker_pids(), server.process.pid):
            os.kill(pid, signal.SIGKILL)
        server.process.wait()
        # Killed as they were, nothing of them is left in the way.
        assert eventually(lambda: presence.server(server.data_dir) is None, within_s=5)
        moved(server.data_dir, url)


def test_a_worker_that_outlives_its_parent_counts_as_a_server(data_dir: Path, url: str) -> None:
    held = presence.Presence(data_dir)
    child = os.fork()
    if child == 0:
        time.sleep(HANG_S)
        os._exit(0)
    try:
        os.close(held._file)
        assert "server of this installation is running" in refused(data_dir, url)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    moved(data_dir, url)


def test_no_server_starts_while_it_is_moved(data_dir: Path) -> None:
    with presence.without_servers(data_dir):
        ended = dragoman("serve", data_dir=data_dir)
    assert ended.status == 1
    assert ended.errors.startswith("The installation is being moved to another database")


def test_an_installation_that_is_there_is_left_alone(
    data_dir: Path, tmp_path: Path, url: str
) -> None:
    asyncio.run(bootstrap.prepare(Settings(data_dir=str(tmp_path / "other"), database_url=url)))
    before = counts(url)
    assert "holds an installation already" in refused(data_dir, url)
    assert counts(url) == before


def test_a_second_move_is_refused(data_dir: Path, url: str) -> None:
    moved(data_dir, url)
    assert "holds an installation already" in refused(data_dir, url)


def test_a_database_of_another_program_is_left_alone(data_dir: Path, url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE bookmarks (url text)")
    assert "was not made by Dragoman" in refused(data_dir, url)


def test_a_target_that_cannot_be_reached_is_told_without_its_password(data_dir: Path) -> None:
    why = refused(data_dir, "postgresql://me:pass-canary@127.0.0.1:1/registry")
    assert why.startswith("The target cannot be used: ")
    assert "canary" not in why


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("", "Name the database to move to in --to or in DRAGOMAN_MOVE_TO."),
        ("mysql://canary", "The target: expected a URL that begins with postgresql://"),
        ("postgresql://me:p@canary@host/x", "The target: write special characters"),
    ],
)
def test_a_target_that_is_none_is_told(data_dir: Path, url: str, line: str) -> None:
    ended = move(data_dir, url)
    assert ended.status == 1
    assert ended.errors.startswith(line)
    assert "canary" not in ended.errors


def test_an_installation_on_postgresql_is_not_moved(data_dir: Path, url: str) -> None:
    ended = move(data_dir, url, database_url=url)
    assert ended.status == 1
    assert ended.errors.startswith("DRAGOMAN_DATABASE_URL is set, so this installation is on")


def test_a_secret_that_does_not_open_is_found_before(data_dir: Path, url: str) -> None:
    add_llms(data_dir, 3)
    change(data_dir, "UPDATE llm_secrets SET ciphertext = x'00' WHERE llm_id LIKE '%2'")
    assert "secrets of 1 LLM" in refused(data_dir, url)
    (data_dir / "kek").unlink()
    assert "kek" in refused(data_dir, url)


def test_a_value_that_postgresql_does_not_take_is_told_and_not_quoted(
    data_dir: Path, url: str
) -> None:
    add_llms(data_dir, 3)
    change(data_dir, "UPDATE llms SET description = 'canary' || char(0) WHERE id LIKE '%2'")
    why = refused(data_dir, url)
    assert "canary" not in why


def test_a_writer_beside_it_is_waited_for_and_then_told(data_dir: Path, url: str) -> None:
    with closing(sqlite3.connect(data_dir / "dragoman.db", isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        ended = move(data_dir, url)
    assert ended.status == 1
    assert "database is locked" in ended.errors
    assert tables(url) == []


# --- Many ------------------------------------------------------------------------------------


def change(data_dir: Path, statement: str) -> None:
    with closing(sqlite3.connect(data_dir / "dragoman.db")) as database, database:
        database.execute(statement)


def add_llms(data_dir: Path, count: int) -> None:
    """Store many LLMs with labels and sealed secrets, at once."""
    settings = Settings(data_dir=str(data_dir))

    async def vault() -> Vault:
        database = SqliteDatabase(settings.database_path)
        try:
            found, _ = await opened(settings, SqlStore(database))
            return found
        finally:
            await database.close()

    sealing = asyncio.run(vault())
    with closing(sqlite3.connect(settings.database_path)) as database, database:
        ((of,),) = database.execute("SELECT id FROM organizations WHERE name = 'default'")
        llms = [_llm(sealing, of, number) for number in range(count)]
        for table, rows in (
            ("llms", [llm_rows.values(llm) for llm in llms]),
            ("llm_secrets", [row for llm in llms for row in llm_rows.secrets(llm)]),
            (
                "llm_labels",
                [
                    {"organization_id": of, "llm_id": llm.id, "key": key, "value": value}
                    for llm in llms
                    for key, value in llm.configuration.labels.items()
                ],
            ),
        ):
            names = list(rows[0])
            places = ", ".join(f":{name}" for name in names)
            database.executemany(
                f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})",  # noqa: S608
                rows,
            )


def _llm(vault: Vault, organization_id: str, number: int) -> LLM:
    llm = LLM(
        id=f"01a00000-0000-7000-8000-{number:012}",
        organization_id=organization_id,
        owner_id=SystemClock().new_id(),
        configuration=Configuration(
            display_name=f"Größe {number}",
            description="x" * 200,
            protocol=ProtocolName.OPENAI,
            endpoints=(Endpoint.parse(f"https://host{number}.example/v1/chat/completions"),),
            model="m",
            labels={"number": str(number)},
            metadata={"number": number},
        ),
        connection_key=number.to_bytes(32, "big"),
        created_at_ms=number,
        created_by="operator",
    )
    place = Placement("Authorization", "Bearer ")
    sealed = vault.seal(Secret(f"sk-{number}"), binding(llm, place, 1))
    credential = Credential(place, 1, sealed)
    return msgspec.structs.replace(llm, credential=credential)


@pytest.mark.timeout(300)
def test_many_llms_arrive_in_the_bytes_that_they_were(data_dir: Path, url: str) -> None:
    add_llms(data_dir, MANY)
    assert re.search(r"\(\d+ rows/s\)", moved(data_dir, url))
    found = counts(url)
    assert (found["llms"], found["llm_labels"]) == (MANY, MANY)
    columns = "id, display_name, metadata, enabled, connection_key, search_text"
    with (
        closing(sqlite3.connect(data_dir / "dragoman.db")) as database,
        psycopg.connect(url) as connection,
    ):
        ours = database.execute(f"SELECT {columns} FROM llms ORDER BY id").fetchall()  # noqa: S608
        query = sql.SQL("SELECT {} FROM llms ORDER BY id").format(
            sql.SQL(", ").join(map(sql.Identifier, columns.split(", ")))
        )
        assert connection.execute(query).fetchall() == ours


@contextmanager
def halted_at(table: str, data_dir: Path, url: str) -> Iterator[subprocess.Popen[bytes]]:
    """Move, up to the moment when the rows of a table are to be stored, for the block's length."""
    with psycopg.connect(url) as connection:
        connection.execute(sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(sql.Identifier(table)))
        settings = environment(data_dir, move_to=url)
        process = begin("move", environment=settings, stderr=subprocess.PIPE)
        try:
            assert eventually(lambda: sessions(url, "AND wait_event_type = 'Lock'"))
            yield process
        finally:
            process.kill()
            process.communicate()
    assert eventually(lambda: not sessions(url))


def sessions(url: str, condition: LiteralString = "") -> list[Any]:
    """List the others who are connected to a database."""
    query = SQL(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
        "AND application_name = 'dragoman' {}"
    ).format(SQL(condition))
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.parametrize("table", ["audit", "deployment", "api_keys", "llms", "llm_secrets"])
def test_cut_off_in_the_middle_nothing_has_happened_and_it_can_be_done_again(
    data_dir: Path, postgres: PostgresServer, table: str
) -> None:
    url = postgres.new_database(prepared=True)
    add_llms(data_dir, 500)
    before = content(data_dir)
    with halted_at(table, data_dir, url) as process:
        process.kill()
    assert content(data_dir) == before
    assert set(counts(url).values()) == {0}
    moved(data_dir, url)
    assert counts(url)["llms"] == 500


def test_while_it_is_moved_nobody_writes_to_the_source(
    data_dir: Path, postgres: PostgresServer
) -> None:
    url = postgres.new_database(prepared=True)
    with halted_at("llms", data_dir, url):
        ended = dragoman("org", "create", "--name", "late", data_dir=data_dir)
    assert ended.status == 1
    assert ended.errors == "The database cannot be reached right now; try again.\n"


def test_a_session_that_ends_in_the_middle_leaves_the_target_as_it_was(
    data_dir: Path, postgres: PostgresServer
) -> None:
    url = postgres.new_database(prepared=True)
    with halted_at("llms", data_dir, url) as process:
        with psycopg.connect(url, autocommit=True) as connection:
            for (pid,) in sessions(url):
                connection.execute("SELECT pg_terminate_backend(%s)", [pid])
        assert process.stderr is not None
        errors = process.stderr.read()
        assert process.wait(HANG_S) == 1
    assert b"Nothing was moved" in errors
    assert b"Traceback" not in errors
    assert set(counts(url).values()) == {0}


def test_a_value_that_arrives_changed_is_noticed(data_dir: Path, postgres: PostgresServer) -> None:
    url = postgres.new_database(prepared=True)
    add_llms(data_dir, 3)
    with psycopg.connect(url) as connection:
        connection.execute(
            "CREATE FUNCTION changed() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN NEW.model := upper(NEW.model); RETURN NEW; END'"
        )
        connection.execute(
            "CREATE TRIGGER changed BEFORE INSERT ON llms FOR EACH ROW EXECUTE FUNCTION changed()"
        )
    why = refused(data_dir, url)
    assert why == (
        "The table llms was not the same when it was read back: 3 rows were sent and 3 found."
    )
    assert set(counts(url).values()) == {0}


def test_a_terminal_shows_how_far_it_is(data_dir: Path, url: str) -> None:
    add_llms(data_dir, 3000)
    ours, its = pty.openpty()
    process = begin(
        "move",
        environment=environment(data_dir, move_to=url) | {"TERM": "xterm", "COLUMNS": "120"},
        stdout=its,
        stderr=its,
    )
    os.close(its)
    printed = "".join(_read(ours))
    assert process.wait(HANG_S) == 0, printed
    assert re.search(r"of \d+ rows, copied and read back; [\d,]+ rows/s", printed)
    assert "Every stored secret opens." in printed


def _read(terminal: int) -> Iterator[str]:
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # how the end of a terminal looks
            os.close(terminal)
            return
        yield piece.decode(errors="replace")
