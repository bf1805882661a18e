"""`GET /v1/models` and `GET /v1/models/{model}`: what the caller may call."""

from typing import Any

from dragoman.authz.check import Actor
from dragoman.domain.errors import NotFound
from dragoman.domain.llm import LLM
from dragoman.gateway.directory import Directory


async def model_list(directory: Directory, who: Actor) -> dict[str, Any]:
    """List the models, newest first; each id is one that `model` in a call takes."""
    names = await directory.callable_names(who)
    return {"object": "list", "data": [_model(name, llm) for name, llm in names]}


async def model(directory: Directory, who: Actor, name: str) -> dict[str, Any]:
    """Show one model, by its id or its LLM's id. Raises NotFound."""
    for listed, llm in await directory.callable_names(who):
        if name in {listed, llm.id}:
            return _model(listed, llm)
    raise NotFound("There is no model of this name; GET /v1/models lists them.")


def _model(name: str, llm: LLM) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "created": llm.created_at_ms // 1000,
        "owned_by": "platform" if llm.is_platform else "organization",
        "llm_id": llm.id,
        "upstream_model": llm.configuration.model,
    }
