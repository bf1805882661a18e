"""Which LLM a person means: by its id, or by its name if that is clear."""

from typing import Annotated

import typer

from dragoman.cli.client import Server
from dragoman.cli.failures import Failure, one_line
from dragoman.cli.llm_shown import Shown
from dragoman.cli.refusals import Refused, not_dragoman
from dragoman.domain.ids import is_id

NameOrId = Annotated[str, typer.Argument(help="Its name, or its id.")]

NOT_FOUND = 404
MAX_NAMED = 10
"""How many ids a message lists."""


def found(server: Server, name_or_id: str) -> Shown:
    """Read the LLM that is meant, in the order in which the gateway looks: id, own, platform's."""
    llm = _found(server, name_or_id)
    if not isinstance(llm.get("id"), str):
        raise not_dragoman(server.url, 200, "another shape of LLM")
    return llm


def _found(server: Server, name_or_id: str) -> Shown:
    if is_id(name_or_id):
        try:
            return server.read(f"/llms/{name_or_id}")
        except Refused as refused:
            if refused.status != NOT_FOUND or refused.code is None:
                raise
    listed = server.listed("/llms", [("display_name", name_or_id)])
    named: list[Shown] = [llm for llm in listed if llm.get("display_name") == name_or_id]
    own = [llm for llm in named if not llm.get("is_platform")]
    meant = own or named
    if not meant:
        raise Failure(
            f"There is no LLM '{one_line(name_or_id)}' that this key may read; "
            "'dragoman llm list' shows all."
        )
    if len(meant) > 1:
        ids = ", ".join(str(llm.get("id")) for llm in meant[:MAX_NAMED])
        more = ", …" if len(meant) > MAX_NAMED else ""
        raise Failure(
            f"{len(meant)} LLMs are named '{one_line(name_or_id)}'; say which by its id: "
            f"{ids}{more}."
        )
    return meant[0]
