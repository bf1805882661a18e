"""`dragoman llm chat`: one answer, or a conversation on the terminal."""

import sys
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from dragoman.cli.chat_answer import Kind, ending, streamed, whole
from dragoman.cli.chat_page import Page
from dragoman.cli.client import Server, media_type
from dragoman.cli.connection import Connection
from dragoman.cli.failures import Failure
from dragoman.cli.llm_found import NameOrId
from dragoman.cli.output import AsJson, print_json

COMPLETIONS = "/v1/chat/completions"
EVENTS = "text/event-stream"
PATIENCE_S = 600.0
"""How long a model may think between two pieces of an answer, unless --timeout says [s]."""
EXIT = frozenset({"/exit", "/quit"})

Message = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Call:
    """What is said about each call, beside the messages."""

    system: Annotated[str | None, typer.Option(help="What the model is told first.")] = None
    temperature: Annotated[float | None, typer.Option(help="How free the answer is.")] = None
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Most tokens in an answer.")] = None
    no_stream: Annotated[bool, typer.Option("--no-stream", help="Wait for the whole answer.")] = (
        False
    )
    as_json: AsJson = False

    @property
    def is_streamed(self) -> bool:
        """Whether the answer is to come in pieces."""
        return not (self.no_stream or self.as_json)

    def first(self) -> list[Message]:
        """Write what stands before a conversation."""
        return [] if self.system is None else [{"role": "system", "content": self.system}]

    def body(self, model: str, messages: list[Message]) -> dict[str, Any]:
        """Write the request."""
        said = {"temperature": self.temperature, "max_tokens": self.max_tokens}
        given = {name: value for name, value in said.items() if value is not None}
        return {"model": model, "messages": messages, "stream": self.is_streamed} | given


def talk(
    name_or_id: NameOrId,
    message: Annotated[
        str | None, typer.Argument(help="What to say; - reads it from standard input.")
    ] = None,
    *,
    call: Call,
    connection: Connection,
) -> None:
    """Talk to an LLM through the gateway, as your programs do.

    With a message, or one on standard input, it prints one answer. On a terminal without one it
    is a conversation: Ctrl+C stops an answer, Ctrl+D or /exit leaves.
    """
    timeout_s = max(connection.timeout, PATIENCE_S)
    with connection.open(timeout_s=timeout_s) as server:
        if message is None and sys.stdin.isatty():
            if call.as_json:
                raise typer.BadParameter("--json needs a message.")
            _converse(server, name_or_id, call)
            return
        text = _piped() if message in {None, "-"} else message
        messages = [*call.first(), {"role": "user", "content": text}]
        if call.as_json:
            print_json(server.said(COMPLETIONS, call.body(name_or_id, messages)))
        else:
            _answer(server, call.body(name_or_id, messages))


def _piped() -> str:
    try:
        text = sys.stdin.buffer.read().decode()
    except UnicodeDecodeError:
        raise Failure("Standard input is not text in UTF-8.") from None
    if not text.strip():
        raise Failure("There is nothing to say: standard input is empty. Give a message.")
    return text


def _converse(server: Server, model: str, call: Call) -> None:
    """Ask for message after message, and keep what was said."""
    import readline  # noqa: F401, PLC0415  # gives input() its line editing

    typer.echo(f"Talking to {model}. Ctrl+C stops an answer; Ctrl+D or /exit leaves.", err=True)
    messages = call.first()
    while (text := _next_message()) is not None:
        if not text.strip():
            continue
        asked = [*messages, {"role": "user", "content": text}]
        answer = _stoppable(server, call.body(model, asked))
        if answer:  # else the question is forgotten with it, so that roles take turns
            messages = [*asked, {"role": "assistant", "content": answer}]


def _next_message() -> str | None:
    """Ask for what to say next; None if the person leaves."""
    while True:
        try:
            text = input("> ")
        except KeyboardInterrupt:
            typer.echo()  # drops the line that was being written
            continue
        except UnicodeDecodeError:
            typer.secho("That was not text in UTF-8.", fg="red", err=True)
            continue
        except EOFError:
            typer.echo()
            return None
        return None if text.strip() in EXIT else text


def _stoppable(server: Server, body: dict[str, Any]) -> str:
    """Print an answer; a failure or Ctrl+C ends the answer only. Gives what was said."""
    page = Page()
    try:
        _write(server, body, page)
    except KeyboardInterrupt:
        page.end("Stopped.")
    except Failure as failure:
        page.end()
        typer.secho(str(failure), fg="red", err=True)
    return page.text


def _answer(server: Server, body: dict[str, Any]) -> None:
    """Print one answer; raises Failure if it is not whole, when its beginning has been printed."""
    page = Page()
    try:
        _write(server, body, page)
    except BaseException:
        page.end()
        raise


def _write(server: Server, body: dict[str, Any], page: Page) -> None:
    """Ask, and write the answer as it comes."""
    with server.streamed(COMPLETIONS, body) as response:
        comes_in_pieces = media_type(response) == EVENTS
        pieces = streamed(response.iter_bytes()) if comes_in_pieces else whole(response.read())
        note = None
        for piece in pieces:
            match piece.kind:
                case Kind.TEXT:
                    page.say(piece.text)
                case Kind.THOUGHT:
                    page.think(piece.text)
                case Kind.END:
                    note = ending(piece.text)
    page.end(note)
