"""Merge patches (RFC 7396) of LLMs. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from dragoman.dialects.dragoman import credentials
from dragoman.dialects.dragoman import llm_schema as schema
from dragoman.dialects.dragoman.conditions import Conditions
from dragoman.dialects.dragoman.mapping import SECRET_MEMBERS, members, shown
from dragoman.domain.credential import Placement
from dragoman.domain.llm import LLM, Configuration
from dragoman.registry.asked import KEPT, AskedCredential, Edit, Editing, Kept, Unique
from dragoman.vault.secret import Secret


def merged(target: Any, patch: Any) -> Any:
    """Apply a patch to a JSON value.

    Other than in RFC 7396, a null that meets a null keeps it: what GET shows can be sent back.
    """
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is not None:
            result[name] = merged(result.get(name), value)
        elif result.get(name) is not None:
            del result[name]
    return result


def editing(body: schema.LlmPatch, unique: frozenset[Unique], conditions: Conditions) -> Editing:
    """Read a patch as a change of whatever is stored when it is made."""
    asked = body.model_dump(exclude_unset=True)

    def edit(current: LLM) -> Edit:
        after = _configuration(current, asked)
        return Edit(
            change=lambda _: after,
            credential=_credential(asked, current, after),
            headers=_headers(asked, current),
            unique=unique,
            if_revision=conditions.allow_write,
        )

    return edit


def _configuration(current: LLM, asked: Mapping[str, Any]) -> Configuration:
    """Patch the document that GET shows, and read the patched members of it."""
    named = asked.keys() - SECRET_MEMBERS
    document = shown(current).model_dump(include=named)
    after = merged(document, {name: asked[name] for name in named})
    found = members({name: after.get(name) for name in named}, named, current.configuration)
    return msgspec.structs.replace(current.configuration, **found)


def _credential(
    asked: Mapping[str, Any], current: LLM, after: Configuration
) -> AskedCredential | Kept | None:
    if "credential" not in asked:
        return KEPT
    said, stored = asked["credential"], current.credential
    if said is None:
        return None
    wanted = credentials.read(said, stored, after.protocol)
    is_kept = (
        stored is not None
        and wanted.secret is None
        and wanted.held == stored.held
        and (wanted.labels is None or wanted.labels == stored.labels)
        and (wanted.placement is None or _stays(current, wanted.placement, after))
    )
    return KEPT if is_kept else wanted


def _stays(current: LLM, place: Placement, after: Configuration) -> bool:
    """Tell whether this is where the credential goes already, and no other format moves it."""
    stored = current.credential
    is_there = stored is not None and stored.placement == place
    return is_there and after.protocol is current.configuration.protocol


def _headers(asked: Mapping[str, Any], current: LLM) -> dict[str, Secret | None]:
    """Read what is sent of headers; null as a whole takes all of them away."""
    if "headers" not in asked:
        return {}
    if asked["headers"] is None:
        return {header.name: None for header in current.headers}
    return {
        name: None if value is None else Secret(value) for name, value in asked["headers"].items()
    }
