"""The whole benchmark, very short and on Dragoman alone: everything runs, and answers rightly.

There is no nginx and no wrk on its path, so our own load and our own upstream are used.
"""

import math
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from benchmarks.figures import Run
from benchmarks.measures import MEASURES

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("bench")
    kept = folder / "run.json"
    options = ["--alone", "--rounds", "1", "--seconds", "0.05", "--json", str(kept)]
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks", *options],
        cwd=ROOT,
        env={**os.environ, "PATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "All" in ended.stdout
    return msgspec.json.decode(kept.read_bytes(), type=Run)


def test_every_number_comes_out(run: Run) -> None:
    expected = [metric for measure in MEASURES for metric in measure.metrics]
    assert run.metrics == [metric for metric in expected if metric.measure != "tls"]
    for figure in run.figures:
        assert figure.contestant == "Dragoman"
        assert len(figure.values) == 1
        assert math.isfinite(figure.values[0])


def test_what_is_counted_is_there(run: Run) -> None:
    for figure in run.figures:
        if figure.metric.measure not in {"latency", "memory"}:  # differences, which may be none
            assert figure.middle > 0, figure


def test_every_answer_was_right(run: Run) -> None:
    assert run.failures == []
    assert run.answers["Dragoman"].wrong == 0
    assert run.answers["Dragoman"].right > 200  # the streams alone are so many


def test_what_is_left_out_is_said(run: Run) -> None:
    assert any(sentence.startswith("tls of Dragoman") for sentence in run.not_measured)
    assert any("wrk" in sentence for sentence in run.not_measured)
