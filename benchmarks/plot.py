"""A run as a picture: one group of bars per metric, in SVG that needs nothing to be drawn."""

from collections.abc import Iterator
from html import escape

from benchmarks import words
from benchmarks.figures import Metric, Run

WIDTH = 720
_LABELS = 110
_VALUES = 130
_BAR = 18
_GAP = 8
_TITLE = 34
_NOTE = 16
_FONT = 'font-family="sans-serif" font-size="13"'
_COLOURS = ("#3266ad", "#8a8f98", "#c98a2b", "#5b8c5a")


def svg(run: Run) -> str:
    """Draw all metrics, one below the other."""
    names = list(run.versions)
    group = _TITLE + len(names) * (_BAR + _GAP)
    groups = [
        text
        for index, metric in enumerate(run.metrics)
        for text in _bars(run, metric, names, index * group)
    ]
    notes = words.circumstances(run).split("; ")
    bottom = len(run.metrics) * group + _TITLE
    height = bottom + len(notes) * _NOTE
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {_FONT}>',
            "<style>text { fill: #444 } .title { font-weight: bold } .note { font-size: 11px }",
            "@media (prefers-color-scheme: dark) { text { fill: #ccc } }</style>",
            *groups,
            *_notes(notes, bottom),
            "</svg>\n",
        ]
    )


def _notes(lines: list[str], top: int) -> Iterator[str]:
    for index, line in enumerate(lines):
        yield f'<text x="0" y="{top + index * _NOTE}" class="note">{escape(line)}</text>'


def _bars(run: Run, metric: Metric, names: list[str], top: int) -> Iterator[str]:
    title = f"{metric.measure}: {metric.name} [{metric.unit}]"
    if metric.is_compared:
        title += ", more is better" if metric.more_is_better else ", less is better"
    yield f'<text x="0" y="{top + _TITLE - 12}" class="title">{escape(title)}</text>'
    figures = {name: run.figure(metric, name) for name in names}
    longest = max((each.middle for each in figures.values() if each), default=0)
    for index, (name, figure) in enumerate(figures.items()):
        y = top + _TITLE + index * (_BAR + _GAP)
        baseline = y + _BAR - 5
        yield f'<text x="0" y="{baseline}">{escape(name)}</text>'
        share = max(0.0, figure.middle / longest) if figure and longest > 0 else 0.0
        width = share * (WIDTH - _LABELS - _VALUES)
        value = words.shown(metric, figure.middle) if figure else "not measured"
        colour = _COLOURS[index % len(_COLOURS)]
        yield f'<rect x="{_LABELS}" y="{y}" width="{width:.1f}" height="{_BAR}" fill="{colour}"/>'
        yield f'<text x="{_LABELS + width + 8:.1f}" y="{baseline}">{value}</text>'
