"""Whether an LLM's credential can be had now, for those who look at the LLM."""

import asyncio
from enum import StrEnum

from dragoman.authz.check import Actor, scope
from dragoman.authz.policy import Action
from dragoman.domain.errors import CredentialUnusable
from dragoman.domain.llm import LLM
from dragoman.vault.held import HeldSecrets

PATIENCE_S = 3.0
"""How long whoever looks at an LLM waits for a secret's source [s]."""


class CredentialState(StrEnum):
    """Where a credential's secret is."""

    STORED = "stored"
    """Here, sealed."""
    RESOLVED = "resolved"
    """With the operator, who lends it."""
    UNRESOLVED = "unresolved"
    """Nowhere that it can be had from now: not granted, not there, or its source is away."""


class CredentialStates:
    """Tries whether the secrets that LLMs name would be lent, as a call would have it."""

    def __init__(self, held: HeldSecrets) -> None:
        self._held = held

    async def of(self, who: Actor, llm: LLM) -> CredentialState | None:
        """Say in which state an LLM's credential is; None where it has none.

        Raises Forbidden for who may read no LLMs; Unavailable.
        """
        scope(who, Action.READ)
        stored = llm.credential
        if stored is None:
            return None
        if stored.held is None:
            return CredentialState.STORED
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._held.lend(llm.organization_id, stored.held, llm.configuration.origins)
        except (CredentialUnusable, TimeoutError):
            return CredentialState.UNRESOLVED
        return CredentialState.RESOLVED
