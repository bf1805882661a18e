"""The registry in two processes, against a reference: same answers, whatever happened before."""

from functools import partial
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from dragoman.authz.check import OPERATOR, operator
from dragoman.domain.llm import LLM
from dragoman.domain.page import LLMQuery
from dragoman.domain.principal import Role
from dragoman.registry.keys import KeyDraft, NewKey
from dragoman.registry.trail import entry
from tests.registry.model_words import (
    FILTERS,
    called_as,
    changes,
    claims,
    configured,
    draft_of,
    drafts,
    edit_of,
    expected,
    names,
    permissions,
    picks,
    processes,
    seen,
)
from tests.registry.processes import ORGANIZATIONS, Process
from tests.registry.reference import PLATFORM, RefKey, RefLLM
from tests.registry.stage import Stage, refused

OWN = tuple(f"llm:{action}:own" for action in ("create", "delete", "list", "read", "update", "use"))


class Registry(Stage):
    """Two organizations, two processes, and whatever their people do."""

    # --- What happens --------------------------------------------------------------------------

    @initialize()
    def people(self) -> None:
        """Make somebody of each role in each organization, and an LLM of the platform's."""
        drafts = [KeyDraft(name=role, role=role) for role in Role]
        drafts.append(KeyDraft(name="own", role=Role.EDITOR, permissions=OWN))
        for organization in ORGANIZATIONS:
            for draft in drafts:
                keys = self.machine.processes[0].keys
                self.take_note(self.run(keys.create(operator(), draft, organization)))
                for action in ("principal.create", "key.create"):
                    self.reference.recorded(action, organization, OPERATOR)
        self.the_operator_writes_the_platforms_llm("b", 0)
        told: Any = {"model": "tiny", "host": "one.example", "labels": (), "enabled": True}
        for number, key in enumerate(self.keys):
            if key.principal.role in {"admin", "editor"}:
                self.make(key, {"name": "abc"[number % 3], "secret": "sk-one", **told}, set(), 0)

    @rule(name=names, process=processes)
    def the_operator_writes_the_platforms_llm(self, name: str, process: int) -> None:
        machine, llm_id = self.machine, self.machine.platform_llm_id
        is_there = (PLATFORM, llm_id) in self.reference.llms
        number = self.reference.recorded("llm.update", PLATFORM, OPERATOR)
        told: Any = {"name": name, "model": "tiny", "host": "one.example", "labels": ()}
        llm = LLM(
            id=llm_id,
            organization_id=PLATFORM,
            owner_id=OPERATOR,
            configuration=configured(told),
            revision=number,
            created_at_ms=0,
            created_by=OPERATOR,
        )

        async def write(where: Process) -> None:
            async with where.store.writing() as work:
                await work.audit.record(entry(machine.clock, operator(), "llm.update", llm_id))
                await (work.llms.replace(llm) if is_there else work.llms.add(llm))

        self.changed(process, write)
        self.reference.llms[PLATFORM, llm_id] = RefLLM(
            llm_id, PLATFORM, OPERATOR, **told, enabled=True, secret=None, made=0, revision=number
        )

    @rule(who=picks, asked=drafts, unique=claims, process=processes)
    def create(self, who: int, asked: dict[str, Any], unique: set[str], process: int) -> None:
        self.make(self.somebody(who), asked, unique, process)

    def make(self, key: RefKey, asked: dict[str, Any], unique: set[str], process: int) -> None:
        llm_id = self.machine.clock.new_id()
        wanted = self.wanted(lambda: expected(self.reference.create(key, llm_id, asked, unique)))

        async def make(where: Process) -> Any:
            actor = await where.acting(self.texts[key.id])
            return seen(await where.llms.create(actor, draft_of(asked, llm_id, unique)))

        assert self.changed(process, make) == wanted
        self.ids.append(llm_id)

    @rule(who=picks, which=picks, changes=changes, process=processes)
    def update(self, who: int, which: int, changes: list[Any], process: int) -> None:
        for number, (patch, unique) in enumerate(changes):
            key, llm_id = self.something(who + number, which + 10 * number)
            self.change(key, llm_id, patch, unique, process)

    def change(
        self, key: RefKey, llm_id: str, patch: dict[str, Any], unique: set[str], process: int
    ) -> None:
        wanted = self.wanted(lambda: expected(self.reference.update(key, llm_id, patch, unique)))

        async def change(where: Process) -> Any:
            actor = await where.acting(self.texts[key.id])
            return seen(await where.llms.update(actor, llm_id, edit_of(patch, unique)))

        assert self.changed(process, change) == wanted

    @rule(who=picks, which=picks, process=processes)
    def delete(self, who: int, which: int, process: int) -> None:
        key, llm_id = self.something(who, which)
        wanted = self.wanted(lambda: self.reference.delete(key, llm_id))

        async def forget(where: Process) -> None:
            await where.llms.delete(await where.acting(self.texts[key.id]), llm_id)

        assert self.changed(process, forget) == wanted

    @rule(who=picks)
    def get(self, who: int) -> None:
        key = self.somebody(who)

        async def read(where: Process, llm_id: str) -> Any:
            return seen(await where.llms.get(await where.acting(self.texts[key.id]), llm_id))

        for llm_id in self.ids:
            wanted = self.wanted(partial(self.readable, key, llm_id))
            for where in self.machine.processes:
                assert self.answer(read(where, llm_id)) == wanted

    @rule(who=picks, asked=st.sampled_from(sorted(FILTERS)), size=st.integers(1, 4))
    def list_in_pages(self, who: int, asked: str, size: int) -> None:
        key, (query, condition) = self.somebody(who), FILTERS[asked]
        wanted = self.wanted(lambda: [*map(expected, self.reference.listed(key, condition))])

        async def read(where: Process) -> Any:
            actor = await where.acting(self.texts[key.id])
            found, after = [], None
            while True:
                page = await where.llms.page(actor, LLMQuery(limit=size, after=after, **query))
                found += [seen(llm) for llm in page.items]
                after = page.next
                if after is None:
                    return found

        for where in self.machine.processes:
            assert self.answer(read(where)) == wanted

    @rule(who=picks, role=st.sampled_from(Role), whose=st.none() | picks, held=permissions)
    def make_key(self, who: int, role: Role, whose: int | None, held: Any) -> None:
        key = self.somebody(who)
        principal_id = None if whose is None else self.somebody(whose).principal.id
        wanted = self.wanted(lambda: self.reference.may_make_key(key, role, principal_id, held))
        asked = None if held is None else tuple(held)
        new_role = role if whose is None else None
        draft = KeyDraft(name="k", principal_id=principal_id, role=new_role, permissions=asked)

        async def make(where: Process) -> Any:
            return await where.keys.create(await where.acting(self.texts[key.id]), draft)

        answer = self.changed(0, make)
        if wanted is not None:
            assert answer == wanted
            return
        assert isinstance(answer, NewKey), answer
        mine = key.principal
        for action in ["principal.create"] * (whose is None) + ["key.create"]:
            self.reference.recorded(action, mine.organization, mine.id)
        self.take_note(answer)

    @rule(who=picks, whose=picks, process=processes)
    def revoke(self, who: int, whose: int, process: int) -> None:
        key, other = self.somebody(who), self.somebody(whose)
        wanted = self.wanted(lambda: self.reference.revoke(key, other))

        async def end(where: Process) -> None:
            await where.keys.revoke(await where.acting(self.texts[key.id]), other.id)

        assert self.changed(process, end) == wanted

    @rule(who=picks, whose=picks, role=st.sampled_from(Role), process=processes)
    def give_role(self, who: int, whose: int, role: Role, process: int) -> None:
        key, principal = self.somebody(who), self.somebody(whose).principal
        wanted = self.wanted(lambda: self.reference.give_role(key, principal.id, role))

        async def change(where: Process) -> None:
            actor = await where.acting(self.texts[key.id])
            await where.principals.update(actor, principal.id, role=role)

        assert self.changed(process, change) == wanted

    @rule(process=processes, ms=st.sampled_from([1, 1000, 6000]))
    def restart(self, process: int, ms: int) -> None:
        self.machine.clock.time_ms += ms
        self.run(self.machine.restart(process))

    # --- What always holds ---------------------------------------------------------------------

    @invariant()
    def every_change_is_recorded_once_with_the_next_number(self) -> None:
        rows = self.run(self.machine.audit())
        assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
        assert [tuple(row[1:]) for row in rows] == self.reference.audit

    @invariant()
    def everybody_calls_the_same_in_both_processes(self) -> None:
        """Asked after each step, so that whatever is remembered wrongly is found by the next."""
        asked = ["a", "b", "c", self.machine.platform_llm_id, *self.ids[-3:]]
        for key in self.keys[:10:2] + self.keys[-1:]:
            wanted = [self.wanted(partial(self.reachable, key, name)) for name in asked]
            for where in self.machine.processes:
                assert self.run(self.called(where, key, asked)) == wanted

    def readable(self, key: RefKey, llm_id: str) -> tuple[object, ...]:
        return expected(self.reference.get(key, llm_id))

    def reachable(self, key: RefKey, name: str) -> tuple[object, ...]:
        return called_as(self.reference.called(key, name))

    async def called(self, where: Process, key: RefKey, asked: list[str]) -> list[Any]:
        async def call(name: str) -> Any:
            target = await where.directory.find(await where.acting(self.texts[key.id]), name)
            it, plain = target.llm, target.secret.reveal() if target.secret else None
            configuration, host = it.configuration, target.endpoints[0].origin.host
            return it.id, it.revision, configuration.display_name, configuration.model, host, plain

        return [await refused(call(name)) for name in asked]


Registry.TestCase.settings = settings(
    max_examples=20,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestRegistry = Registry.TestCase
