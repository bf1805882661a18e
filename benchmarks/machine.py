"""The machine: who runs on which core, and what a process has used of it. Linux only."""

import os
import platform
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")


class Cores(NamedTuple):
    """Which cores are whose."""

    contestant: frozenset[int]
    others: frozenset[int]
    """Where upstreams and load run: nothing of theirs shall take time from a contestant."""


def cores() -> Cores:
    """Give the first core to the contestant and all others to the rest, if there are others."""
    first, *others = sorted(os.sched_getaffinity(0))
    return Cores(frozenset({first}), frozenset(others or {first}))


@contextmanager
def running_on(wanted: frozenset[int]) -> Iterator[None]:
    """Run this process, and whatever it starts meanwhile, on these cores only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, wanted)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_s(pid: int) -> float:
    """Say how much CPU time a process and its descendants have used so far [s]."""
    return sum(time.clock_gettime_ns(_cpu_clock(member)) for member in _family(pid)) / 1e9


def busy_s(cores: frozenset[int]) -> float:
    """Say how long these cores have worked for anybody so far [s].

    Time that the hypervisor gave to other machines counts; interrupts do not, because most are
    the network's, on somebody's behalf (proc(5), `/proc/stat`).
    """
    names = {f"cpu{core}" for core in cores}
    ticks = 0
    for line in (_PROC / "stat").read_text().splitlines():
        name, *counts = line.split()
        if name in names:
            user, nice, system, _, _, _, _, stolen = map(int, counts[:8])
            ticks += user + nice + system + stolen
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_bytes(pid: int) -> int:
    """Say how much memory a process and its descendants hold, shared pages by their share."""
    return sum(_proportional_bytes(member) for member in _family(pid))


def description() -> str:
    """Say on what machine this is."""
    count = len(os.sched_getaffinity(0))
    cores = f"{count} core{'s' if count > 1 else ''}"
    system = f"{platform.system()} {platform.release()}"
    return f"{_cpu_model()}, {cores}, {system}, CPython {platform.python_version()} ({_build()})"


def _cpu_clock(pid: int) -> int:
    """Name the clock that counts a process's CPU time in nanoseconds.

    That is what clock_getcpuclockid(3) does on Linux; `utime` and `stime` in /proc are the same
    time in steps of 10 ms.
    """
    return (~pid << 3) | 2


def _family(pid: int) -> list[int]:
    threads = (_PROC / str(pid) / "task").iterdir()
    children = [int(child) for thread in threads for child in _text(thread / "children").split()]
    return [pid, *(member for child in children for member in _family(child))]


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""  # a thread that has just ended


def _proportional_bytes(pid: int) -> int:
    rollup = (_PROC / str(pid) / "smaps_rollup").read_text()
    line = next(line for line in rollup.splitlines() if line.startswith("Pss:"))
    return int(line.split()[1]) * 1024


def _build() -> str:
    """Say whether the interpreter was built with its optimizations: a fifth of its speed."""
    arguments = sysconfig.get_config_var("CONFIG_ARGS") or ""
    return "optimized" if "--enable-optimizations" in arguments else "built without optimizations"


def _cpu_model() -> str:
    for line in (_PROC / "cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
