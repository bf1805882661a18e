"""Who is the only one of its kind: connections within an owner, names within an organization.

There is one writer at a time, so what is looked up here still holds when it is stored; the unique
columns are there for whoever writes past this code.
"""

from collections.abc import Set as AbstractSet

import msgspec

from dragoman.domain.errors import Conflict
from dragoman.domain.llm import LLM
from dragoman.domain.ports import WriteLLMs
from dragoman.registry.asked import Unique
from dragoman.vault.digests import Digests


async def claimed(llms: WriteLLMs, digests: Digests, llm: LLM, unique: AbstractSet[Unique]) -> LLM:
    """Give an LLM the keys that say what it is the only one of. It has its connection key.

    Raises Conflict (`connection_taken`, `name_taken`) where there is another one.
    """
    exclusive_key = None
    if Unique.CONNECTION in unique and llm.connection_key is not None:
        await _refuse_same_connection(llms, llm, llm.connection_key)
        exclusive_key = digests.exclusive(llm.connection_key, llm.configuration.provider)
    return msgspec.structs.replace(
        llm,
        exclusive_key=exclusive_key,
        exclusive_name=await _exclusive_name(llms, llm, unique),
    )


async def _refuse_same_connection(llms: WriteLLMs, llm: LLM, connection_key: bytes) -> None:
    """Look among the owner's own LLMs; a provider that nobody named equals every other."""
    for other in await llms.connected(llm.organization_id, connection_key):
        providers = {llm.configuration.provider, other.configuration.provider}
        if other.id != llm.id and (len(providers) == 1 or None in providers):
            raise Conflict(
                f"The LLM {other.id} of the same owner is this connection already: the same URL, "
                "model and credential.",
                code="connection_taken",
            )


async def _exclusive_name(llms: WriteLLMs, llm: LLM, unique: AbstractSet[Unique]) -> str | None:
    """Give the name if it is claimed, or was claimed before and still nobody else has it."""
    name = llm.configuration.display_name
    if Unique.NAME not in unique and llm.exclusive_name in {None, name}:
        return llm.exclusive_name
    if not set(await llms.bearers(llm.organization_id, name)) - {llm.id}:
        return name
    if Unique.NAME in unique:
        # Which one it is may be more than this caller may know.
        raise Conflict("Another LLM has this name already; choose another name.", code="name_taken")
    return None
