"""Looking at processes through /proc: which ones there are, and whether they still run."""

import os
import time
from collections.abc import Callable
from pathlib import Path

HANG_S = 30.0
"""How long anything may take before we call it hanging [s]."""


def eventually(condition: Callable[[], object], within_s: float = HANG_S) -> bool:
    """Wait until a condition holds; False if it does not come true in time."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def using(folder: Path) -> list[int]:
    """List the processes that were started with this folder in their environment.

    A process that has ended and was not waited for has no environment, so it does not count.
    """
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue
            if os.fsencode(folder) in environment:
                found.append(int(entry.name))
    return found


def children(pid: int) -> list[int]:
    """List a process's children; none where it is gone."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(child) for child in listed.split()]


def cpu_s(pid: int) -> float:
    """Tell how much processor time a process has used [s]."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user_ticks, system_ticks = after_name[11:13]
    return (int(user_ticks) + int(system_ticks)) / os.sysconf("SC_CLK_TCK")
