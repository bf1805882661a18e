"""What platform LLMs may use of the operator's secrets: what the operator's list names, there.

Nobody gives these grants: they follow from the list, so that a secret is bound to the origins that
stand beside it there, and everything that is lent is lent under a grant.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from dragoman.domain.errors import Problem
from dragoman.domain.grant import name_of
from dragoman.domain.ids import PLATFORM_ORGANIZATION_ID
from dragoman.domain.llm import LLM
from dragoman.domain.ports import Clock, WriteWork
from dragoman.registry.asked import Draft
from dragoman.registry.grant_changes import Terms, settle
from dragoman.registry.grant_rules import secret_problem
from dragoman.registry.held import endpoint_problems


def held_problems(draft: Draft, private: Iterable[str]) -> Iterator[Problem]:
    """Find why a secret that the operator holds cannot be a platform LLM's.

    All else about the draft is right. `private` are paths that nobody is granted.
    """
    held = draft.credential.held if draft.credential else None
    if held is None:
        return
    reason = secret_problem(name_of(held), private)
    if reason is not None:
        yield Problem(("credential", "held"), reason, "invalid_secret_name")
    yield from endpoint_problems(held, draft.configuration)


async def follow(work: WriteWork, clock: Clock, llms: Iterable[LLM]) -> None:
    """Grant the platform what these LLMs, all that it has, use; and nothing else."""
    origins: dict[str, set[str]] = defaultdict(set)
    for llm in llms:
        if llm.credential is not None and llm.credential.held is not None:
            origins[name_of(llm.credential.held)].update(llm.configuration.origins)
    wanted = [
        Terms(PLATFORM_ORGANIZATION_ID, secret, tuple(sorted(where)))
        for secret, where in sorted(origins.items())
    ]
    await settle(work, clock, await work.grants.of(PLATFORM_ORGANIZATION_ID), wanted)
