"""What was inferred about a new LLM, told as GoodMem's statuses. Pure."""

from collections.abc import Iterable

from dragoman.dialects.goodmem.mapping import CAPABILITIES, shown_modalities
from dragoman.dialects.goodmem.shown import Status
from dragoman.registry.inference import Inference

CODE = "LLM_CAPABILITY_INFERRED"

NAMES = {capability.value: name for name, capability in CAPABILITIES.items()} | {
    "modalities": "supported_modalities"
}
"""What GoodMem calls otherwise."""


def statuses(inferences: Iterable[Inference]) -> list[Status]:
    """Tell each inference, and where it comes from."""
    return [Status(code=CODE, message=_message(each)) for each in inferences]


def _message(inference: Inference) -> str:
    name, value = NAMES.get(inference.what, inference.what), _text(inference)
    if inference.family is None:
        return f"{name} assumed to be {value}, for a model of unknown family"
    return f"{name} inferred as {value} from model family '{inference.family}'"


def _text(inference: Inference) -> str:
    match inference.value:
        case bool(supported):
            return "true" if supported else "false"
        case int(number):
            return str(number)
        case modalities:
            return ", ".join(shown_modalities(modalities))
