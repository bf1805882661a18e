"""What callers ask for, in the domain's words: a new LLM, or a change of one."""

from collections.abc import Callable, Mapping
from enum import Enum, StrEnum, auto
from typing import Final

from msgspec import Struct

from dragoman.domain.credential import Held, Placement
from dragoman.domain.llm import LLM, Configuration
from dragoman.vault.secret import Secret

Change = Callable[[Configuration], Configuration]
"""What a request makes of the stored configuration."""

Condition = Callable[[int], bool]
"""Whether a change may be made of what has this revision."""


class Kept(Enum):
    """The credential stays as it is."""

    KEPT = auto()


KEPT: Final = Kept.KEPT


class Unique(StrEnum):
    """What has to be the only one of its kind; a second one is refused."""

    CONNECTION = "connection"
    """Among the LLMs of one owner: the same model behind the same URL and credential."""
    NAME = "name"
    """Within the organization."""


class AskedCredential(Struct, frozen=True):
    """A credential as a request brings it."""

    secret: Secret | None = None
    """None: the stored one, unless the operator holds it."""
    placement: Placement | None = None
    """None: where the wire format has it."""
    held: Held | None = None
    """What the operator holds, in place of a secret."""
    labels: Mapping[str, str] | None = None
    """None: as they are."""


class Draft(Struct, frozen=True, kw_only=True):
    """A new LLM."""

    configuration: Configuration
    credential: AskedCredential | None = None
    """None where the upstream wants none."""
    headers: Mapping[str, Secret] = {}
    llm_id: str | None = None
    """The id that the caller chose, if any."""
    owner_id: str | None = None
    """None: the caller."""
    unique: frozenset[Unique] = frozenset()


class Edit(Struct, frozen=True, kw_only=True):
    """A change of an LLM."""

    change: Change = lambda configuration: configuration
    credential: AskedCredential | Kept | None = KEPT
    """None takes it away."""
    headers: Mapping[str, Secret | None] = {}
    """None takes one away; what is not named stays."""
    unique: frozenset[Unique] = frozenset()
    if_revision: int | Condition | None = None
    """The revision that the caller saw, or what it has to be; None: whichever it is."""


Editing = Callable[[LLM], Edit]
"""A change that depends on what is stored, and is asked for what is stored when it is made."""
