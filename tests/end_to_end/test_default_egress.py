"""The default egress policy, tried in a network of its own, where all addresses can be called."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.rig import __main__ as rig


@pytest.mark.timeout(400)
def test_the_default_policy_holds_where_every_address_answers() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.rig", "-q"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, f"{ran.stderr}\n{ran.stdout}"
    assert " passed" in ran.stdout
    assert "skipped" not in ran.stdout


def test_a_rig_that_cannot_run_says_what_was_not_tested_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert rig.main([]) == 1
    said = capsys.readouterr().err
    assert "No such file or directory: 'unshare'" in said
    assert "NOT tested" in said
    assert "- closed addresses are refused and hear nothing" in said
    assert said.count("\n  - ") == rig.CASES.read_text().count("def test_")


def test_a_rig_never_changes_a_network_that_is_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert rig.main([rig.INSIDE]) == 1
    assert "NOT tested" in capsys.readouterr().err
