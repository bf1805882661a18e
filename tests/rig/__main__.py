"""Makes the rig and runs its tests inside; says what was not tested where it cannot be made.

Usage: python -m tests.rig [arguments to pytest ...]
"""

import ast
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.rig import mounts, name_server, network

CASES = Path(__file__).with_name("default_egress.py")
INSIDE = "--inside"
AS_ROOT = ["unshare", "--net", "--mount"]
AS_ANYBODY = [*AS_ROOT, "--user", "--map-root-user"]


def main(arguments: list[str]) -> int:
    """Run the tests, inside or by way of going inside; gives the exit status."""
    if arguments[:1] == [INSIDE]:
        return inside(arguments[1:])
    unshare, reasons = found_way()
    if unshare is None:
        return not_tested("; ".join(reasons))
    command = [*unshare, sys.executable, "-m", "tests.rig", INSIDE, *arguments]
    return subprocess.run(command, check=False).returncode


def inside(arguments: list[str]) -> int:
    """Finish the namespaces that this process is in, and run the tests."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            network.bring_up()
            mounts.mount(Path(folder), name_server.ADDRESS)
        except OSError as error:
            return not_tested(str(error))
        ours = ["-p", "no:cacheprovider", f"--basetemp={folder}/tests"]
        return int(pytest.main([str(CASES), *ours, *arguments]))


def found_way() -> tuple[list[str] | None, list[str]]:
    """Find out how namespaces can be made here, or why they cannot."""
    reasons = []
    for unshare in (AS_ROOT, AS_ANYBODY) if os.geteuid() == 0 else (AS_ANYBODY,):
        try:
            tried = subprocess.run([*unshare, "true"], capture_output=True, text=True, check=False)
        except OSError as error:
            reasons.append(str(error))
            continue
        if tried.returncode == 0:
            return unshare, []
        reasons.append(tried.stderr.strip())
    return None, reasons


def not_tested(reason: str) -> int:
    """Say what the rig would have tested."""
    cases = [
        node.name.removeprefix("test_").replace("_", " ")
        for node in ast.parse(CASES.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    ]
    print(  # noqa: T201  # it is what this program is for
        f"The rig cannot run here: {reason}.",
        "It needs network and mount namespaces (root with CAP_SYS_ADMIN, or user namespaces).",
        "So the default egress policy was NOT tested, that is:",
        *(f"  - {case}" for case in cases),
        sep="\n",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
