"""Whether an LLM answers: probes of it, one or several, by the way that calls go."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import NamedTuple, Protocol

from msgspec import structs

from dragoman.authz.check import Actor, Verified
from dragoman.authz.policy import Action
from dragoman.domain.errors import CredentialUnusable, DragomanError, TooManyAtOnce, Unavailable
from dragoman.domain.llm import LLM
from dragoman.domain.ports import Clock, Upstream
from dragoman.gateway.directory import Directory
from dragoman.gateway.outgoing import asked_for
from dragoman.gateway.probe_plan import Limit, Plan
from dragoman.gateway.probe_result import Probed, Summary, summarized
from dragoman.gateway.probing import probed, without_credential

log = logging.getLogger(__name__)

PINGS_AT_ONCE = 4
"""How many pings of one principal may be under way in one process."""

LONGEST_S = 600.0
"""How long after its beginning a ping begins further probes [s]."""


class Ended(NamedTuple):
    """A ping that ends before it has made all of its probes, and why."""

    code: str
    message: str


class Listener(Protocol):
    """Where the events of a ping go."""

    async def begin(self) -> None:
        """Take note that there will be events; comes first, and once."""
        ...

    async def tell(self, event: Limit | Probed | Ended | Summary) -> None:
        """Take an event; returns when there is room for more. The summary is the last one."""
        ...


class Prober:
    """Makes probes for those who may, so many at once; keeps nothing of what comes of them."""

    def __init__(
        self,
        *,
        directory: Directory,
        upstream: Upstream,
        clock: Clock,
        installation: bytes,
        longest_s: float = LONGEST_S,
    ) -> None:
        self._directory = directory
        self._upstream = upstream
        self._clock = clock
        self._asked = asked_for([], installation)
        self._longest_s = longest_s
        self._under_way: Counter[tuple[str, str]] = Counter()

    async def once(self, who: Actor, plan: Plan) -> Probed:
        """Make one probe; a failure of the upstream or the credential is in what it gives.

        Raises Forbidden, NotFound, NotCallable, Unavailable, and TooManyAtOnce.
        """
        with self._ping(who, plan.llm_id) as made:
            made.append(await self._probe(await self._llm(who, plan), plan))
            return made[0]

    async def series(self, who: Actor, again: Verified, plan: Plan, listener: Listener) -> None:
        """Make several probes, and tell of each as it ends; then sum them up.

        Before `listener.begin` it raises what `once` does. Each probe is of the LLM as it is
        stored then, for who is verified then. When there is none any more, they may not, or we
        cannot, no further ones are made. Cancelling it closes what is open to the upstream.
        """
        with self._ping(who, plan.llm_id) as made:
            llm = await self._llm(who, plan)
            await listener.begin()
            for limit in plan.limits:
                await listener.tell(limit)
            ended = await self._make(again, plan, llm, listener, made)
            if ended is not None:
                await listener.tell(ended)
            await listener.tell(summarized(llm, made))

    async def _make(
        self, again: Verified, plan: Plan, llm: LLM, listener: Listener, made: list[Probed]
    ) -> Ended | None:
        """Make the probes; says why these are not all, if they are not."""
        slots, ends_at = asyncio.Semaphore(plan.max_in_flight), perf_counter() + self._longest_s
        ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()

        async def make(llm: LLM, seq: int) -> None:
            try:
                done = structs.replace(await self._probe(llm, plan), seq=seq)
            except Unavailable as error:  # ours: it says nothing about the LLM
                if not ended.done():
                    ended.set_result(Ended(error.code, error.message))
            else:
                made.append(done)
                await listener.tell(done)
            finally:
                slots.release()

        async with asyncio.TaskGroup() as group:
            for seq in range(1, plan.count + 1):
                if seq > 1:
                    await asyncio.wait([ended], timeout=_pause_s(plan))
                await slots.acquire()
                found = await self._still(again, plan, ends_at) if seq > 1 else llm
                if ended.done():
                    break
                if isinstance(found, Ended):
                    ended.set_result(found)
                    break
                group.create_task(make(found, seq))
        return ended.result() if ended.done() else None

    async def _still(self, again: Verified, plan: Plan, ends_at: float) -> LLM | Ended:
        """Give what is to be probed next, or say why nothing is."""
        if perf_counter() > ends_at:
            return Ended("time_is_up", f"A ping makes probes for at most {self._longest_s:g} s.")
        try:
            return await self._llm(await again(), plan)
        except DragomanError as error:
            return Ended(error.code, error.message)

    async def _llm(self, who: Actor, plan: Plan) -> LLM:
        return await self._directory.callable_by_id(who, Action.PING, plan.llm_id)

    async def _probe(self, llm: LLM, plan: Plan) -> Probed:
        try:
            target = await self._directory.ready(llm)
        except CredentialUnusable as error:
            return without_credential(llm, error, self._clock)
        return await probed(
            target,
            plan.text,
            plan.timeout_ms,
            self._asked,
            upstream=self._upstream,
            clock=self._clock,
        )

    @contextmanager
    def _ping(self, who: Actor, llm_id: str) -> Iterator[list[Probed]]:
        """Keep a place for one ping, and log what was made of it, however it ends."""
        principal = who.organization_id, who.principal_id
        if self._under_way[principal] >= PINGS_AT_ONCE:
            raise TooManyAtOnce(
                f"At most {PINGS_AT_ONCE} pings of one principal run at once; wait for one to end."
            )
        made: list[Probed] = []
        self._under_way[principal] += 1
        try:
            yield made
        finally:
            self._under_way[principal] -= 1
            if not self._under_way[principal]:
                del self._under_way[principal]
            if made:
                _note(who, llm_id, made)


def _pause_s(plan: Plan) -> float:
    """Say how long to wait before the next probe [s]."""
    share = random.uniform(0.5, 1.5) if plan.is_jittered else 1.0  # noqa: S311  # hides nothing
    return plan.interval_ms / 1000 * share


def _note(who: Actor, llm_id: str, made: list[Probed]) -> None:
    """Log who has made probes: the upstream may charge for them."""
    fields = {
        "request_id": who.request_id,
        "organization_id": who.organization_id,
        "principal_id": who.principal_id,
        "key_id": who.key_id,
        "llm_id": llm_id,
        "probes": len(made),
        "ok": sum(each.ok for each in made),
    }
    log.info("ping", extra=fields)
