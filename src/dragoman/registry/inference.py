"""What a caller left open about a model, filled in from what is known of its family."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec
from msgspec import Struct

from dragoman.catalogue.catalogue import Family, family_of
from dragoman.domain.llm import Capability, Configuration, Known, Modality, ProtocolName, Provenance

INFERRED = (
    Capability.CHAT,
    Capability.COMPLETION,
    Capability.TOOL_CALLING,
    Capability.SYSTEM_MESSAGES,
    Capability.STREAMING,
    Capability.SAMPLING_PARAMETERS,
)

_ONLY_MESSAGES = frozenset({Capability.COMPLETION})
RULED_OUT: Mapping[ProtocolName, frozenset[Capability]] = MappingProxyType(
    {
        # "currently unsupported": console.groq.com, docs, "OpenAI Compatibility" (2026-11)
        ProtocolName.GROQ_OPENAI: _ONLY_MESSAGES,
        # These have one kind of request, and it holds a conversation.
        ProtocolName.OPENAI_RESPONSES: _ONLY_MESSAGES,
        ProtocolName.GEMINI: _ONLY_MESSAGES,
        ProtocolName.VERTEX_AI: _ONLY_MESSAGES,
        ProtocolName.ANTHROPIC: _ONLY_MESSAGES,
        ProtocolName.ADVANCED_VOICE: _ONLY_MESSAGES,
        # Nothing is called at all.
        ProtocolName.NONE: frozenset(INFERRED),
    }
)
"""What cannot be done over a wire format, whatever the model can do."""


class Inference(Struct, frozen=True):
    """One thing that nobody declared, and where it comes from."""

    what: str
    """A capability, or the member of a configuration: `modalities`, `max_context_length`."""
    value: bool | int | tuple[Modality, ...]
    family: str | None
    """The model's family; None where it is unknown."""


def inferred(
    configuration: Configuration, *, before: Configuration | None = None
) -> tuple[Configuration, tuple[Inference, ...]]:
    """Fill in what is missing, and say what that was; what was declared stays.

    On an update, `before` is what was stored: where neither model nor protocol changes, nothing
    does; else what was inferred for the old ones follows the new ones. Whatever is not known of
    a model is taken to be supported, except what the protocol rules out.
    """
    if before is not None:
        if (before.model, before.protocol) == (configuration.model, configuration.protocol):
            return configuration, ()
        configuration = _declared(configuration, before)
    family = family_of(configuration.model)
    found = _missing(configuration, family)
    capabilities = {
        flag: Known(bool(found[flag]), Provenance.INFERRED) for flag in INFERRED if flag in found
    }
    members = {name: value for name, value in found.items() if name not in INFERRED}
    filled = msgspec.structs.replace(
        configuration, capabilities=configuration.capabilities | capabilities, **members
    )
    name = family.name if family else None
    return filled, tuple(Inference(what, value, name) for what, value in found.items())


def _missing(
    configuration: Configuration, family: Family | None
) -> dict[str, bool | int | tuple[Modality, ...]]:
    """Find a value for each capability and member that nobody declared and that is known."""
    found: dict[str, bool | int | tuple[Modality, ...]] = {}
    known = family.capabilities if family else {}
    ruled_out = RULED_OUT.get(configuration.protocol, frozenset())
    for flag in INFERRED:
        if flag not in configuration.capabilities:
            found[flag] = flag not in ruled_out and known.get(flag, True)
    if not configuration.modalities:
        found["modalities"] = _modalities(family)
    if configuration.max_context_length is None and family and family.max_context_length:
        found["max_context_length"] = family.max_context_length
    return found


def _declared(configuration: Configuration, before: Configuration) -> Configuration:
    """Leave out what was inferred for the model of before."""
    old = family_of(before.model)
    length = configuration.max_context_length
    is_old_length = old is not None and length == old.max_context_length
    is_old_modalities = configuration.modalities == _modalities(old)
    return msgspec.structs.replace(
        configuration,
        capabilities={
            flag: known
            for flag, known in configuration.capabilities.items()
            if known.provenance is not Provenance.INFERRED
        },
        modalities=() if is_old_modalities else configuration.modalities,
        max_context_length=None if is_old_length else length,
    )


def _modalities(family: Family | None) -> tuple[Modality, ...]:
    return (family.modalities if family else ()) or (Modality.TEXT,)
