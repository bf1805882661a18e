"""`dragoman llm ping`: a table at a terminal, lines in a pipe, and a status that sums it up."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.background import in_background
from tests.cli.calling import CTRL_C, Caller, answering
from tests.cli.processes import eventually
from tests.scripted_upstream import (
    Request,
    ScriptedUpstream,
    Step,
    close,
    read_request,
    reply,
    send,
    serving,
    until_hung_up,
)

LLM_ID = "01a00000-0000-7000-8000-000000000001"
HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n"
)
TITLES = "Probe Credential DNS Egress Connect TLS Auth Model Answer Status ms"


def good(seq: int, **members: Any) -> dict[str, Any]:
    return {"result": {"seq": seq, "ok": True, "httpStatus": 200, "rttMs": 12.34} | members}


def bad(seq: int, stage: str, status: int = 0, says: str = "It failed.") -> dict[str, Any]:
    failed = {"ok": False, "httpStatus": status, "errorMessage": f"{stage}: {says}"}
    return good(seq, **failed, metadata={"stage": stage})


def summed(ok: int, errors: int = 0) -> dict[str, Any]:
    counts = {"requests": ok + errors, "ok": ok, "timeouts": 0, "errors": errors}
    names = ("Min", "Avg", "P50", "P90", "P99", "Max")
    trips = {f"rtt{name}Ms": float(place) for place, name in enumerate(names)}
    return {"summary": counts | trips}


SUM = "round trip in ms: min 0.0, avg 1.0, p50 2.0, p90 3.0, p99 4.0, max 5.0."


def sent(*events: dict[str, Any]) -> bytes:
    """Write events as chunks of a stream."""
    lines = [json.dumps(event).encode() + b"\n" for event in events]
    return b"".join(b"%x\r\n%s\r\n" % (len(line), line) for line in lines)


@contextmanager
def pinging(*steps: Step) -> Iterator[ScriptedUpstream]:
    """Run a server that knows one LLM, and does this when it is to be pinged."""

    def looked_up(_: Request) -> bytes:
        body = json.dumps({"id": LLM_ID, "display_name": "my-llm"})
        listed = json.dumps({"items": [json.loads(body)], "next_page_token": None}).encode()
        return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(listed), listed)

    script = (read_request(), reply(looked_up), read_request(), *steps)
    with in_background(serving(*script)) as fake:
        yield fake


@contextmanager
def told(*events: dict[str, Any]) -> Iterator[ScriptedUpstream]:
    with pinging(send(HEAD + sent(*events) + b"0\r\n\r\n")) as fake:
        yield fake


PING = ("llm", "ping", "my-llm", "--count", "2")


def test_each_probe_is_a_line_in_a_pipe_and_the_sum_the_last_one() -> None:
    with told(good(1), good(2), summed(2)) as fake:
        assert Caller(fake.url).done(*PING, "--interval", "0.25", "--timeout", "2.5") == (
            "probe 1: ok, status 200, 12.3 ms\n"
            "probe 2: ok, status 200, 12.3 ms\n"
            f"2 made, 2 ok, 0 too late, 0 failed; {SUM}\n"
        )
        lookup, ping = fake.requests
    assert lookup.head.startswith(b"GET /api/v1/llms?display_name=my-llm")
    assert ping.head.startswith(b"POST /goodmem/v1/ping:stream ")
    assert json.loads(ping.body) == {
        "targetId": LLM_ID,
        "count": 2,
        "intervalMs": 250,
        "timeoutMs": 2500,
    }


def test_what_failed_is_told_once_and_makes_the_status_1() -> None:
    failure = bad(1, "auth", 401, "The upstream refused\x1b[2J the stored credential.")
    events = failure, failure | {}, {"notice": {"code": "X", "message": "A notice"}}
    with told(*events, summed(0, 2)) as fake:
        ended = Caller(fake.url).run(*PING)
    assert ended == (
        1,
        "probe 1: failed at auth, status 401, 12.3 ms\n"
        * 2
        + "auth: The upstream refused [2J the stored credential.\n"
        "A notice.\n"
        "2 made, 0 ok, 0 too late, 2 failed.\n",
        "",
    )


def test_probes_that_were_not_made_make_the_status_1_too() -> None:
    with told(good(1), {"notice": {"code": "X", "message": "It is gone."}}, summed(1)) as fake:
        assert Caller(fake.url).run(*PING).status == 1


def test_an_odd_answer_is_told_and_is_none_the_less_an_answer() -> None:
    odd = good(1, metadata={"answer": "not a chat completion"})
    with told(odd, good(2), summed(2)) as fake:
        assert "The answer is not a chat completion.\n" in Caller(fake.url).done(*PING)


def test_json_is_what_the_server_said_line_by_line() -> None:
    events = [good(1, note="ü"), bad(2, "dns"), summed(1, 1)]
    with told(*events) as fake:
        ended = Caller(fake.url).run(*PING, "--json")
    assert [json.loads(line) for line in ended.output.splitlines()] == events
    assert (ended.status, ended.errors) == (1, "")


ROWS = {
    "credential": "failed - - - - - - - -",
    "dns": "ok failed - - - - - - -",
    "egress": "ok ok failed - - - - - -",
    "proxy": "ok ok ok failed - - - - -",
    "connect": "ok ok ok failed - - - - -",
    "tls": "ok ok ok ok failed - - - -",
    "auth": "ok ok ok ok ok failed - - -",
    "model": "ok ok ok ok ok ok failed - -",
    "answer": "ok ok ok ok ok ok ok failed -",
    "something new": "ok ok ok ok ok ok ok failed -",
}


CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""What moves the cursor, and colors."""
NO_WORDS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\u2500-\u257f\s]+")
"""What moves the cursor, colors, rules and spaces."""


@pytest.mark.parametrize("stage", ROWS)
def test_a_table_at_a_terminal_shows_how_far_each_probe_came(stage: str) -> None:
    with (
        told(good(1), bad(2, stage), summed(1, 1)) as fake,
        Caller(fake.url).at_terminal(*PING) as terminal,
    ):
        assert terminal.ends() == 1
        text = " ".join(NO_WORDS.sub(" ", terminal.shown).split())
    assert TITLES in text
    assert "1 ok ok ok ok ok ok ok ok 200 12.3" in text
    assert f"2 {ROWS[stage]} 12.3" in text
    assert terminal.shown.endswith(f"It failed.\n2 made, 1 ok, 0 too late, 1 failed; {SUM}\n")


def test_a_row_fits_into_80_columns() -> None:
    with (
        told(bad(100, "answer", 500), summed(0, 1)) as fake,
        Caller(fake.url).at_terminal(*PING, columns=80) as terminal,
    ):
        terminal.ends()
        lines = [line.split() for line in CODES.sub("", terminal.shown).splitlines()]
    assert TITLES.split() in lines
    assert ["100", *["ok"] * 7, "failed", "500", "12.3"] in lines


@pytest.mark.parametrize(("scheme", "tls"), [("http", "none"), ("https", "ok")])
def test_where_no_tls_is_spoken_none_was_passed(scheme: str, tls: str) -> None:
    probed = good(1, endpoint={"resolvedEndpoint": f"{scheme}://one.example/v1"})
    with told(probed, summed(1)) as fake, Caller(fake.url).at_terminal(*PING) as terminal:
        terminal.ends()
        text = " ".join(NO_WORDS.sub(" ", terminal.shown).split())
    assert f"1 ok ok ok ok {tls} ok ok ok 200 12.3" in text


def test_a_row_is_there_as_soon_as_its_probe_has_ended_and_ctrl_c_ends_the_ping() -> None:
    with pinging(send(HEAD + sent(good(7))), until_hung_up()) as fake:
        with Caller(fake.url).at_terminal(*PING) as terminal:
            terminal.sees("12.3")
            terminal.types(CTRL_C)
            assert terminal.ends() == 130
        assert eventually(lambda: fake.open_peers == [])


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        (b"0\r\n\r\n", "The ping broke off: the connection ended before its summary."),
        (b"", "The connection to http://127.0.0.1:"),
        (b"2\r\n{\n\r\n0\r\n\r\n", "broke off in the middle of an event"),
        (b"3\r\n[]\n\r\n0\r\n\r\n", "broke off in the middle of an event"),
    ],
)
def test_a_ping_that_breaks_off_is_told_and_fails(rest: bytes, message: str) -> None:
    with pinging(send(HEAD + sent(good(1)) + rest), close()) as fake:
        ended = Caller(fake.url).run(*PING)
    assert (ended.status, ended.output) == (1, "probe 1: ok, status 200, 12.3 ms\n")
    assert message in ended.errors
    assert ended.errors.count("\n") == 1


def test_a_refusal_is_told_in_the_servers_words() -> None:
    body = b'{"error": "This LLM is disabled.", "code": "FAILED_PRECONDITION"}'
    head = b"HTTP/1.1 412 No\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    with pinging(send(head % len(body) + body)) as fake:
        assert Caller(fake.url).refused(*PING) == "This LLM is disabled."


def test_what_is_no_ping_is_not_taken_for_one() -> None:
    with pinging(send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")) as fake:
        assert "is not Dragoman" in Caller(fake.url).refused(*PING)
    with answering('{"items": [], "next_page_token": null}') as fake:
        assert "There is no LLM 'my-llm'" in Caller(fake.url).refused(*PING)
