"""What an operator and a tenant do about held secrets, on the database of a server that runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dragoman.app.clock import SystemClock
from dragoman.app.opened import opened
from dragoman.authz.check import Actor
from dragoman.domain.credential import GoogleAdc, SecretReference
from dragoman.domain.grant import GOOGLE_ADC
from dragoman.registry.asked import Draft
from dragoman.registry.authentication import Authenticator
from dragoman.registry.grants import GrantDraft, Grants
from dragoman.registry.llms import LLMs
from dragoman.settings import load
from dragoman.storage.engines import locate, open_database
from dragoman.storage.unit_of_work import SqlStore
from dragoman.upstream.egress import EgressPolicy, parse_networks
from tests.registry.installation import a_configuration, borrowing
from tests.running import RunningDragoman


class Beside:
    """The use cases, on the same database as a server; `beside` makes one."""

    def __init__(self, who: Actor, llms: LLMs, grants: Grants) -> None:
        self._who = who
        self._llms = llms
        self._grants = grants

    async def grant(self, secret: str, *origins: str) -> str:
        """Let the first organization use a secret; gives the grant's id."""
        draft = GrantDraft(
            organization=self._who.organization_id, secret=secret, origins=tuple(origins)
        )
        return (await self._grants.give(draft)).grant.id

    async def take(self, grant_id: str) -> None:
        """Take a grant."""
        await self._grants.take(grant_id)

    async def register(self, url: str, secret: str, name: str) -> str:
        """Register an LLM that names a secret; gives its id."""
        held = GoogleAdc() if secret == GOOGLE_ADC else SecretReference(secret)
        draft = Draft(
            configuration=a_configuration(url, display_name=name), credential=borrowing(held)
        )
        return (await self._llms.create(self._who, draft)).id


@asynccontextmanager
async def beside(server: RunningDragoman) -> AsyncIterator[Beside]:
    """Open the database of a server that runs, as its first admin and its operator."""
    settings = load({}, server.environment)
    database = open_database(locate(settings))
    try:
        store, clock = SqlStore(database), SystemClock()
        who = await Authenticator(store=store, clock=clock).authenticate([server.admin_key])
        vault, digests = await opened(settings, store)
        policy = EgressPolicy(parse_networks(",".join(settings.egress_allow)))
        llms = LLMs(store=store, vault=vault, digests=digests, clock=clock, policy=policy)
        yield Beside(who, llms, Grants(store=store, clock=clock, private=()))
    finally:
        await database.close()
