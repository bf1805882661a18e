"""`dragoman llm chat`: one answer in a pipe, a conversation at a terminal."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.background import in_background
from tests.cli.calling import CTRL_C, CTRL_D, Caller, answering
from tests.cli.processes import eventually
from tests.engine.language import plain_answer
from tests.engine.server import Engine
from tests.running import RunningDragoman, registration
from tests.scripted_upstream import (
    ScriptedUpstream,
    Step,
    close,
    read_request,
    send,
    serving,
    until_hung_up,
)

HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n"
)


def sent(data: bytes) -> Step:
    """Send one chunk of a body."""
    return send(b"%x\r\n%s\r\n" % (len(data), data))


def said(delta: str, reason: str = "null") -> bytes:
    return f'data: {{"choices":[{{"delta":{delta},"finish_reason":{reason}}}]}}\r\n\r\n'.encode()


END = [sent(b"data: [DONE]\n\n"), send(b"0\r\n\r\n"), close()]


@contextmanager
def streaming(*steps: Step) -> Iterator[ScriptedUpstream]:
    """Run a server that answers every call with this stream."""
    with in_background(serving(read_request(), send(HEAD), *steps)) as fake:
        yield fake


@pytest.fixture(scope="module")
def engine_llm(server: RunningDragoman, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Register a real engine; gives its name."""
    with (
        Engine.start(tmp_path_factory.mktemp("engine"), api_key="sk-e") as engine,
        server.client() as client,
    ):
        url = f"{engine.base_url}/chat/completions"
        body = registration(url, displayName="engine", secret="sk-e", temperature=0)
        assert client.post("/anam/v1/llms", json=body).status_code == 201
        yield "engine"


def test_a_message_gets_one_answer(admin: Caller, engine_llm: str) -> None:
    talk = ("llm", "chat", engine_llm)
    answer = plain_answer("Tokyo") + "\n"
    assert admin.done(*talk, "Tell me about Tokyo.") == answer
    assert admin.done(*talk, "Tell me about Tokyo.", "--no-stream") == answer
    assert admin.done(*talk, stdin=b"Tell me about Tokyo.") == answer
    assert admin.done(*talk, "-", "--system", "About Paris.", stdin=b"And Tokyo?") == answer
    whole = json.loads(admin.done(*talk, "Tell me about Tokyo.", "--json"))
    assert whole["choices"][0]["message"]["content"] == plain_answer("Tokyo")


def test_a_limit_is_told(admin: Caller, engine_llm: str) -> None:
    ended = admin.run("llm", "chat", engine_llm, "Tell me about Tokyo.", "--max-tokens", "2")
    assert ended == (
        0,
        "Hello! This\n",
        "The answer stops at the limit of tokens; --max-tokens raises it.\n",
    )


def test_a_conversation_remembers(admin: Caller, engine_llm: str) -> None:
    with admin.at_terminal("llm", "chat", engine_llm) as terminal:
        terminal.sees("Ctrl+D or /exit leaves.")
        terminal.sees("> ")
        terminal.types("Tell me about London.\n")
        terminal.sees(plain_answer("London"))
        terminal.sees("> ")
        terminal.types("Go on.\n")  # the city is known from before
        terminal.sees(plain_answer("London"))
        terminal.sees("> ")
        terminal.types("/exit\n")
        assert terminal.ends() == 0


def test_what_is_sent_is_what_was_said() -> None:
    answer = [sent(said('{"content":"a1"}')), *END]
    with (
        streaming(*answer) as fake,
        Caller(fake.url).at_terminal(
            *(
                "llm",
                "chat",
                "some-llm",
                "--system",
                "s",
                "--temperature",
                "0.5",
                "--max-tokens",
                "9",
            )
        ) as terminal,
    ):
        for question in ("q1", "q2"):
            terminal.sees("> ")
            terminal.types(f"{question}\n")
            terminal.sees("a1\n")
        terminal.sees("> ")
        terminal.types(CTRL_D)
        assert terminal.ends() == 0
    assert json.loads(fake.requests[1].body) == {
        "model": "some-llm",
        "stream": True,
        "temperature": 0.5,
        "max_tokens": 9,
        "messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": "q1"},
            {"role": "assistant", "content": "a1"},
            {"role": "user", "content": "q2"},
        ],
    }


def test_ctrl_c_stops_the_answer_and_not_the_program() -> None:
    with streaming(sent(said('{"content":"and on"}')), until_hung_up()) as fake:
        with Caller(fake.url).at_terminal("llm", "chat", "x") as terminal:
            terminal.sees("> ")
            terminal.types("q1\n")
            terminal.sees("and on")
            terminal.types(CTRL_C)
            terminal.sees("Stopped.\n> ")
            assert eventually(lambda: fake.open_peers == [])
            terminal.types(CTRL_D)
            assert terminal.ends() == 0
        messages = json.loads(fake.requests[0].body)["messages"]
        assert messages == [{"role": "user", "content": "q1"}]


def test_ctrl_c_at_the_prompt_drops_the_line() -> None:
    with answering("{}") as fake, Caller(fake.url).at_terminal("llm", "chat", "x") as terminal:
        terminal.sees("> ")
        terminal.types("dropped")
        terminal.sees("dropped")
        # readline misses one that comes before it waits for a key
        terminal.types(CTRL_C)
        while not terminal.has("> "):
            terminal.types(CTRL_C)
        terminal.types("\n")
        terminal.sees("> ")
        terminal.types(CTRL_D)
        assert terminal.ends() == 0
        assert fake.requests == []


def test_ctrl_c_ends_a_single_answer_quietly() -> None:
    with streaming(sent(said('{"content":"and on"}')), until_hung_up()) as fake:
        with Caller(fake.url).at_terminal("llm", "chat", "x", "q") as terminal:
            terminal.sees("and on")
            terminal.types(CTRL_C)
            assert terminal.ends() == 130
        assert terminal.shown.replace("^C", "") == "and on\n"


def test_an_answer_is_shown_as_it_comes() -> None:
    with (
        streaming(sent(said('{"content":"one "}')), until_hung_up()) as fake,
        Caller(fake.url).begin("llm", "chat", "x", "q") as process,
    ):
        assert process.stdout is not None
        assert process.stdout.read(4) == b"one "
        process.kill()


def test_a_character_may_be_cut_anywhere() -> None:
    event = said('{"content":"Grüße 🦙"}')
    pieces = [sent(bytes([byte])) for byte in event]
    with streaming(*pieces, *END) as fake:
        assert Caller(fake.url).done("llm", "chat", "x", "q") == "Grüße 🦙\n"


def test_thoughts_are_dim_at_a_terminal_and_absent_in_a_pipe() -> None:
    answer = [
        sent(said('{"reasoning_content":"hm"}')),
        sent(said('{"content":"so\\u001b[2J"}', '"stop"')),
        *END,
    ]
    with streaming(*answer) as fake:
        caller = Caller(fake.url)
        assert caller.done("llm", "chat", "x", "q") == "so\x1b[2J\n"
        with caller.at_terminal("llm", "chat", "x", "q") as terminal:
            assert terminal.ends() == 0
        # what a model writes cannot clear the screen
        assert terminal.shown == "\x1b[2mhm\x1b[0m\n\nso\N{REPLACEMENT CHARACTER}[2J\n"
        with caller.at_terminal("llm", "chat", "x", "q", NO_COLOR="1") as terminal:
            assert terminal.ends() == 0
        assert "\x1b" not in terminal.shown


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ([send(b"0\r\n\r\n"), close()], "The answer broke off: the connection ended before"),
        ([close()], "The connection to http://127.0.0.1:"),
        ([sent(b'data: {"error":{"message":"out of memory"}}\n\n')], "broke off: out of memory."),
    ],
)
def test_a_broken_stream_is_told_and_fails(rest: list[Step], message: str) -> None:
    with streaming(sent(said('{"content":"half"}')), *rest) as fake:
        ended = Caller(fake.url).run("llm", "chat", "x", "q")
    assert (ended.status, ended.output) == (1, "half\n")
    assert message in ended.errors
    assert ended.errors.count("\n") == 1


def test_a_failure_does_not_end_a_conversation() -> None:
    with (
        answering('{"error": {"message": "The model is busy."}}', status="429 Busy") as fake,
        Caller(fake.url).at_terminal("llm", "chat", "x") as terminal,
    ):
        terminal.sees("> ")
        terminal.types("q\n")
        terminal.sees("The model is busy. Try again in a moment.")
        terminal.types("/exit\n")
        assert terminal.ends() == 0


def test_an_unknown_llm_is_told(admin: Caller) -> None:
    assert "this id or name" in admin.refused("llm", "chat", "nothing-is-named-this", "q")


def test_a_server_that_does_not_stream_is_understood() -> None:
    whole = '{"choices":[{"message":{"content":"all"},"finish_reason":"stop"}]}'
    with answering(whole) as fake:
        assert Caller(fake.url).done("llm", "chat", "x", "q") == "all\n"
    with answering("{}") as fake:
        assert "holds no message" in Caller(fake.url).refused("llm", "chat", "x", "q")


def test_saying_nothing_is_refused(admin: Caller) -> None:
    assert "Give a message" in admin.refused("llm", "chat", "x")
    assert "not text" in admin.refused("llm", "chat", "x", stdin=b"\xff")
    with admin.at_terminal("llm", "chat", "x", "--json") as terminal:
        assert terminal.ends() == 2
