"""What is made of figures: ratios, verdicts, a page and a picture."""

from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
from typer.testing import CliRunner

from benchmarks import page, plot, words
from benchmarks.__main__ import app
from benchmarks.figures import Count, Figure, Metric, Run

RATE = Metric("plain", "requests/s", "1/s", more_is_better=True, aims=(("nginx", 0.3),))
COST = Metric("plain", "CPU per request", "µs", 1)


def run_of(ours: list[float], theirs: list[float], metric: Metric = RATE, wrong: int = 0) -> Run:
    return Run(
        date="2026-11-21",
        machine="a machine",
        command="scripts/bench",
        rounds=3,
        seconds=1.0,
        versions={"Dragoman": "1", "nginx": "2"},
        figures=[Figure(metric, "Dragoman", ours), Figure(metric, "nginx", theirs)],
        answers={"Dragoman": Count(1000, wrong)},
    )


def test_a_ratio_compares_round_by_round() -> None:
    # the second half of the run was ten times slower for both
    run = run_of([40, 4, 4], [100, 10, 10])
    assert run.ratio(RATE, "Dragoman", "nginx") == pytest.approx(0.4)


def test_where_less_is_better_a_ratio_above_one_is_still_better() -> None:
    run = run_of([10], [40], COST)
    assert run.ratio(COST, "Dragoman", "nginx") == pytest.approx(4)


def test_without_both_there_is_no_ratio() -> None:
    run = run_of([10], [40])
    assert run.ratio(RATE, "Dragoman", "TensorZero") is None
    run.figures.pop()
    assert run.verdicts == []
    assert run.unjudged == ["plain, requests/s: Dragoman / nginx"]


@pytest.mark.parametrize(("rate", "missed"), [(30.0, False), (29.9, True)])
def test_a_verdict_names_aim_and_ratio(rate: float, *, missed: bool) -> None:
    sentences = list(words.verdicts(run_of([rate], [100])))
    assert len(sentences) == 1
    assert f"Dragoman / nginx = {rate / 100:.3f} (aim >= 0.3" in sentences[0]
    assert ("missed" in sentences[0]) is missed


@pytest.mark.parametrize(
    ("run", "plain", "checked"),
    [
        (run_of([31.0], [100.0]), 0, 0),
        (run_of([29.0], [100.0]), 0, 1),  # slow is no fault, unless it is asked for
        (run_of([31.0], [100.0], wrong=1), 1, 1),
        (msgspec.structs.replace(run_of([31.0], [100.0]), failures=["nginx"]), 1, 1),
        (msgspec.structs.replace(run_of([31.0], [100.0]), figures=[]), 0, 1),
    ],
)
def test_the_exit_status(run: Run, plain: int, checked: int, tmp_path: Path) -> None:
    saved = tmp_path / "run.json"
    saved.write_bytes(msgspec.json.encode(run))
    assert CliRunner().invoke(app, ["--from", str(saved)]).exit_code == plain
    assert CliRunner().invoke(app, ["--from", str(saved), "--check"]).exit_code == checked


def test_wrong_answers_are_said_aloud(tmp_path: Path) -> None:
    saved = tmp_path / "run.json"
    saved.write_bytes(msgspec.json.encode(run_of([1.0], [1.0], wrong=7)))
    said = CliRunner().invoke(app, ["--from", str(saved)]).output
    assert "WRONG ANSWERS: 7 from Dragoman" in said


def test_a_disturbed_run_says_so() -> None:
    run = run_of([1], [1])
    assert words.disturbance(run) == ""
    run.disturbance = 0.5
    assert "50%" in words.disturbance(run)


def test_figures_take_the_place_of_older_ones_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(f"# Title\n\n{page.BEGIN}old{page.END}\nrest\n")
    for _ in range(2):
        page.put_into(path, run_of([40, 30, 50], [100, 100, 100]))
    text = path.read_text()
    assert text.startswith(f"# Title\n\n{page.BEGIN}")
    assert text.endswith(f"{page.END}\nrest\n")
    assert "old" not in text
    assert text.count("| plain: requests/s [1/s] | 40 (30 to 50) | 100 (100 to 100) | 0.40 |") == 1


def test_a_page_without_a_place_for_figures_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("# Title\n")
    with pytest.raises(ValueError, match="no place"):
        page.put_into(path, run_of([1], [1]))
    refused = CliRunner().invoke(app, ["--page", str(path)])  # before anything is measured
    assert refused.exit_code == 2
    assert path.read_text() == "# Title\n"


def test_the_picture_has_a_bar_for_each_figure_as_long_as_it_is_large() -> None:
    drawing = ET.fromstring(plot.svg(run_of([50], [100])))  # noqa: S314  # our own
    bars = [bar.attrib for bar in drawing.iter("{http://www.w3.org/2000/svg}rect")]
    assert len(bars) == 2
    assert float(bars[0]["width"]) == pytest.approx(float(bars[1]["width"]) / 2, abs=0.2)


def test_an_unknown_measure_is_refused() -> None:
    refused = CliRunner().invoke(app, ["--only", "speed"])
    assert refused.exit_code == 2
    assert "speed" in refused.output
