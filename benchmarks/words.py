"""A run in words and cells, for the terminal and for the page alike."""

from collections.abc import Iterator

from benchmarks.figures import Figure, Metric, Run

OURS = "Dragoman"
BEARABLE = 0.1
"""So much of a core may go to others before it has to be said."""


def headings(run: Run) -> list[str]:
    """Name the columns: one per contestant, then how Dragoman stands to the others."""
    others = [name for name in run.versions if name != OURS]
    return ["", *run.versions, *(f"{OURS} / {name}" for name in others)]


def rows(run: Run) -> Iterator[list[str]]:
    """Give one row per metric."""
    others = [name for name in run.versions if name != OURS]
    for metric in run.metrics:
        figures = [_cell(run.figure(metric, name)) for name in run.versions]
        ratios = [_times(run.ratio(metric, OURS, name)) for name in others]
        yield [f"{metric.measure}: {metric.name} [{metric.unit}]", *figures, *ratios]


def circumstances(run: Run) -> str:
    """Say where and how it was measured."""
    rounds = f"{run.rounds} round{'s' if run.rounds > 1 else ''} of {run.seconds:g} s"
    versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    return f"{run.date}; {run.machine}; {versions}; {rounds}: median (lowest to highest)."


def disturbance(run: Run) -> str:
    """Say whether others were at work; empty if hardly."""
    if run.disturbance < BEARABLE:
        return ""
    return (
        f"Other programs, or other machines on the same host, took up to {run.disturbance:.0%} "
        "of the contestants' core. Rates and waiting times are worse than they would be alone, and "
        "compare badly; trust the ratios of CPU times more, which suffer less."
    )


def answers(run: Run) -> str:
    """Say how many answers were looked at, and how many were right."""
    right = sum(count.right for count in run.answers.values())
    wrong = {name: count.wrong for name, count in run.answers.items() if count.wrong}
    if not wrong:
        return f"All {right:,} answers were right."
    blame = ", ".join(f"{count:,} from {name}" for name, count in wrong.items())
    return f"WRONG ANSWERS: {blame}, beside {right:,} right ones. The figures mean nothing."


def verdicts(run: Run) -> Iterator[str]:
    """Say how Dragoman stands where it has an aim."""
    for verdict in run.verdicts:
        what = f"{verdict.metric.measure}, {verdict.metric.name}"
        missed = "" if verdict.is_reached else ", missed"
        yield (
            f"{what}: {OURS} / {verdict.other} = {verdict.ratio:.3f} "
            f"(aim >= {verdict.aim:g}{missed})"
        )


def shown(metric: Metric, value: float) -> str:
    """Write a value."""
    return f"{value:,.{metric.digits}f}"


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return "-"
    low, high = (shown(figure.metric, each) for each in (min(figure.values), max(figure.values)))
    spread = f" ({low} to {high})" if len(figure.values) > 1 else ""
    return shown(figure.metric, figure.middle) + spread


def _times(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"
