"""What commands may not import before they need it, because every start would pay for it."""

import subprocess
import sys

import pytest

HEAVY = ("httpx2", "yaml", "rich", "readline", "fastapi", "sqlalchemy")


@pytest.mark.parametrize(
    "arguments", [[], ["--version"], ["llm", "create", "--help"], ["audit", "--help"]]
)
def test_help_starts_without_what_only_calls_need(arguments: list[str]) -> None:
    program = (
        "import sys, contextlib\nimport dragoman.cli\n"
        f"sys.argv = ['dragoman', *{arguments!r}]\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(None):\n"
        f"    {arguments!r} and dragoman.cli.main()\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert ended.stdout.decode() == "[]\n"


def test_a_command_imports_nothing_of_the_others() -> None:
    program = "import sys, dragoman.cli\nprint(sorted(n for n in sys.modules if 'dragoman.' in n))"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    ours = ["dragoman.cli", "dragoman.cli.commands", "dragoman.domain"]
    ours += [f"dragoman.domain.{name}" for name in ("egress_proxy", "principal", "url")]
    ours += ["dragoman.settings"]
    ours += [f"dragoman.settings.{name}" for name in ("checks", "fields", "reading")]
    assert ended.stdout.decode() == f"{ours}\n"
