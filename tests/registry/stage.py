"""What the model acts on: two processes, the reference, and whoever is there."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine

from dragoman.domain.errors import DragomanError, Invalid
from dragoman.registry.keys import NewKey
from tests.registry.model_words import NOTHING
from tests.registry.processes import Machine, Process, template
from tests.registry.reference import PLATFORM, Reference, RefKey, RefLLM, RefPrincipal, Refusal


class Stage(RuleBasedStateMachine):
    """Two processes and the reference, and who may act on what there is; it has no rules yet."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(prefix="model"))
        shutil.copy(template(), self.folder / "dragoman.db")
        self.machine = Machine(self.folder / "dragoman.db")
        self.reference = Reference()
        self.keys: list[RefKey] = []
        self.texts: dict[str, str] = {}
        """Texts of keys, by their ids."""
        self.ids = [NOTHING, self.machine.platform_llm_id]
        """Ids of LLMs that are there, were there or never have been."""

    def teardown(self) -> None:
        self.run(self.machine.close())
        self.runner.close()
        shutil.rmtree(self.folder)

    # --- How answers are compared --------------------------------------------------------------

    def run(self, answer: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(answer)

    def answer(self, real: Coroutine[Any, Any, Any]) -> Any:
        return self.run(refused(real))

    def wanted(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except Refusal as refusal:
            return refusal.args

    def changed(self, process: int, real: Callable[[Process], Coroutine[Any, Any, Any]]) -> Any:
        """Make a change in one process; then the other one is told, as its feed would."""
        answer = self.answer(real(self.machine.processes[process]))
        self.run(self.machine.tell_others(process))
        return answer

    def somebody(self, pick: int) -> RefKey:
        """Choose who acts: mostly somebody who may change things."""
        if pick % 10 < 7:
            writers = [key for key in self.keys if key.principal.role in {"admin", "editor"}]
            active = [key for key in writers if not key.is_revoked]
            if active:
                return active[pick // 10 % len(active)]
        return self.keys[pick // 10 % len(self.keys)]

    def something(self, who: int, which: int) -> tuple[RefKey, str]:
        """Choose who acts on which LLM: mostly one that is there, and somebody who may."""
        there = [llm for llm in self.reference.llms.values() if llm.organization != PLATFORM]
        if not there or which % 10 == 9:
            return self.somebody(who), self.ids[which // 10 % len(self.ids)]
        llm = there[which // 10 % len(there)]
        able = [key for key in self.keys if not key.is_revoked and self.may_change(key, llm)]
        if not able or who % 10 > 6:
            return self.somebody(who), llm.id
        return able[who // 10 % len(able)], llm.id

    def may_change(self, key: RefKey, llm: RefLLM) -> bool:
        is_there = key.principal.organization == llm.organization
        is_own = key.principal.id == llm.owner
        return is_there and (key.principal.role == "admin" or is_own)

    def take_note(self, new: NewKey) -> None:
        """Take note of a key that was made."""
        made = new.principal
        principal = RefPrincipal(made.id, made.organization_id, made.role)
        principal = self.reference.principals.setdefault(made.id, principal)
        asked = new.key.permissions
        self.texts[new.key.id] = new.text
        held = None if asked is None else frozenset(asked)
        self.keys.append(RefKey(new.key.id, principal, held))


async def refused(real: Coroutine[Any, Any, Any]) -> Any:
    """Give an answer, or what was refused and why."""
    try:
        return await real
    except Invalid as error:
        return Refusal("Invalid", error.problems[0].code).args
    except DragomanError as error:
        kind = type(error).__name__
        return (kind, error.code) if kind in {"NotCallable", "Conflict"} else (kind,)
