"""What an update makes of an LLM. Pure.

What is not there, or null, stays; description, version and monitoringEndpoint are cleared by null.
What reads as it is shown is no change, whichever dialect it was registered through.
"""

from typing import Any

from msgspec.structs import replace

from dragoman.dialects.goodmem import credentials, endpoints, mapping, schema
from dragoman.domain.errors import Invalid, Problem
from dragoman.domain.llm import LLM, Configuration, Provider
from dragoman.registry.asked import KEPT, AskedCredential, Edit, Editing, Kept
from dragoman.registry.inference import inferred

CLEARED_BY_NULL = ("description", "version", "monitoring_endpoint")

DOMAIN_NAMES = {
    "display_name": "display_name",
    "model_identifier": "model",
    "max_context_length": "max_context_length",
    "client_config": "client_config",
}
"""Members that are replaced by what is sent."""


def editing(body: schema.LlmUpdate, *, for_old_client: bool = False) -> Editing:
    """Read an update as a change of whatever is stored when it is made."""

    def edit(current: LLM) -> Edit:
        before = current.configuration
        _refuse_other_provider(body, before, for_old_client=for_old_client)
        after = _followed(before, replace(before, **_members(body, before)))
        return Edit(
            change=lambda _: after,
            credential=_credential(body, after),
            unique=mapping.UNIQUE,
        )

    return edit


def _followed(before: Configuration, after: Configuration) -> Configuration:
    """Let what was inferred follow a change of the model, but not what the same update changes."""
    said = {
        name: getattr(after, name)
        for name in ("modalities", "max_context_length")
        if getattr(after, name) != getattr(before, name)
    }
    return replace(inferred(after, before=before)[0], **said)


def _refuse_other_provider(
    body: schema.LlmUpdate, before: Configuration, *, for_old_client: bool
) -> None:
    shown = mapping.shown_provider(before.provider, for_old_client=for_old_client)
    if body.provider_type not in {None, shown}:
        raise Invalid(Problem(("provider",), "cannot be changed; leave it out", "immutable"))


def _members(body: schema.LlmUpdate, before: Configuration) -> dict[str, Any]:
    """Collect what an update names, in the domain's names and values."""
    members: dict[str, Any] = {
        name: getattr(body, name) for name in CLEARED_BY_NULL if name in body.model_fields_set
    }
    for theirs, ours in DOMAIN_NAMES.items():
        if getattr(body, theirs) is not None:
            members[ours] = getattr(body, theirs)
    members["endpoints"] = endpoints.changed(before.endpoints, body.endpoint_url, body.api_path)
    members["capabilities"] = mapping.capabilities(body.capabilities, before.capabilities)
    if body.supported_modalities and set(body.supported_modalities) != set(
        mapping.shown_modalities(before.modalities)
    ):
        members["modalities"] = mapping.modalities(body.supported_modalities)
    if body.default_sampling_params is not None:
        sampling = mapping.sampling(body.default_sampling_params)
        if sampling != before.sampling:
            members["sampling"] = mapping.limited(sampling)
    return members | _labels(body, before) | _protocol(body, before)


def _labels(body: schema.LlmUpdate, before: Configuration) -> dict[str, Any]:
    if body.replace_labels is not None:
        return {"labels": body.replace_labels}
    return {"labels": before.labels | (body.merge_labels or {})}


def _protocol(body: schema.LlmUpdate, before: Configuration) -> dict[str, Any]:
    said = body.dashscope_api_dialect
    if said is not None and before.provider is not Provider.DASHSCOPE:
        message = "belongs to the provider DASHSCOPE only"
        raise Invalid(Problem(("protocol",), message, "conflict"))
    if said in {None, mapping.SHOWN_DIALECTS.get(before.protocol)}:
        return {}
    return {"protocol": mapping.PROTOCOLS[said]}


def _credential(body: schema.LlmUpdate, after: Configuration) -> AskedCredential | Kept | None:
    if body.credentials is None:
        return KEPT
    return credentials.asked(body.credentials, after.protocol)
