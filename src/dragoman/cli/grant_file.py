"""The file of grants: its members, and what is wrong with it."""

from msgspec import Struct
from pydantic import BaseModel

from dragoman.cli.listed_members import STRICT, listed
from dragoman.domain.errors import Problem
from dragoman.registry.grants import GrantDraft


class _Grant(BaseModel):
    model_config = STRICT

    organization: str
    secret: str
    origins: list[str] = []


class GrantFile(Struct, frozen=True):
    """What a file asks for."""

    wanted: tuple[GrantDraft, ...]
    """What could be read."""
    problems: tuple[Problem, ...]
    """What is wrong with the rest."""


def read(data: bytes) -> GrantFile:
    """Read a file. Raises Malformed for what is not YAML."""
    members, problems = listed(data, "grants", _Grant)
    wanted = (
        GrantDraft(
            position=position,
            organization=member.organization,
            secret=member.secret,
            origins=tuple(member.origins),
        )
        for position, member in members
    )
    return GrantFile(tuple(wanted), tuple(problems))
