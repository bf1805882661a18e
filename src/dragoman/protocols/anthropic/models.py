"""What differs between the models that are called in Anthropic's format.

Sources: platform.claude.com, "Models overview", "Thinking", "Structured outputs" and "Migrating
to API version 2026-10-21"; docs.aws.amazon.com, Amazon Bedrock user guide, "Adaptive thinking"
(all 2026-11).
"""

import re
from enum import StrEnum

from msgspec import Struct

from dragoman.domain.llm import Capability, Configuration

FIRST_VERSION = "2023-06-01"
"""Of the API: what an LLM is called with that names none. Every server knows it, and it is the last
one that has sampling parameters."""

WITHOUT_SAMPLING = "2026-10-21"
"""The version of the API that took `temperature`, `top_p` and `top_k` out."""

DEFAULT_MAX_TOKENS = 8192
"""What an answer may have where neither the caller nor the LLM says so: the format wants a limit
[tokens]. Every model since Claude 3.5 can write so much."""


class Thinking(StrEnum):
    """How a model is asked to think."""

    NEVER = "never"
    BUDGET = "budget"
    """With a number of tokens: `thinking.budget_tokens`."""
    ADAPTIVE = "adaptive"
    """As it sees fit, with an effort: `output_config.effort`."""


class Model(Struct, frozen=True):
    """What one family of models takes."""

    thinking: Thinking
    has_schemas: bool = True
    """Whether an answer can be made to fit a schema."""
    max_tokens: int = DEFAULT_MAX_TOKENS
    """The limit where nobody names one."""
    wants_signatures: bool = True
    """Whether a thought that is sent back has to be signed."""


FAMILIES = (
    (r"claude-3-5", Model(Thinking.NEVER, has_schemas=False)),
    (r"claude-3-7", Model(Thinking.BUDGET, has_schemas=False)),
    (r"claude-(3|2|instant)\b", Model(Thinking.NEVER, has_schemas=False, max_tokens=4096)),
    (
        r"claude-((opus|sonnet)-4(-0)?|4-(opus|sonnet))\b(?!-\d\b)",
        Model(Thinking.BUDGET, has_schemas=False),
    ),
    (r"claude-(opus-4-1|(opus|sonnet|haiku)-4-5)\b", Model(Thinking.BUDGET)),
    (r"claude-", Model(Thinking.ADAPTIVE)),
)
"""What a name holds, as Anthropic, Amazon and Google write it; the first that fits counts."""

OF_OTHERS = Model(Thinking.BUDGET, wants_signatures=False)
"""Other makers' models speak the format as it was when they took it over."""


def model(llm: Configuration) -> Model:
    """Say what an LLM's model takes."""
    name = llm.model.lower().replace(".", "-").replace("@", "-")
    return next((known for shape, known in FAMILIES if re.search(shape, name)), OF_OTHERS)


def has_sampling(llm: Configuration) -> bool:
    """Tell whether temperature and its like can be chosen."""
    known = llm.capabilities.get(Capability.SAMPLING_PARAMETERS)
    return version(llm) < WITHOUT_SAMPLING and (known is None or known.supported)


def version(llm: Configuration) -> str:
    """Say in which version of the API an LLM is called."""
    return FIRST_VERSION if llm.api_version is None else llm.api_version
