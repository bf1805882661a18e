"""What came out of a run, as data: it can be kept in a file and shown again."""

from statistics import median

from msgspec import Struct


class Metric(Struct, frozen=True):
    """One thing that is measured."""

    measure: str
    name: str
    unit: str
    digits: int = 0
    more_is_better: bool = False
    is_compared: bool = True
    """Whether more or less of it is better at all."""
    aims: tuple[tuple[str, float], ...] = ()
    """Beside whom Dragoman shall reach which ratio; above 1 is better than that one."""


class Figure(Struct, frozen=True):
    """One metric of one contestant: a value per round."""

    metric: Metric
    contestant: str
    values: list[float]

    @property
    def middle(self) -> float:
        """The median of the rounds."""
        return median(self.values)


class Verdict(Struct, frozen=True):
    """How Dragoman stands beside another contestant in one metric."""

    metric: Metric
    other: str
    ratio: float
    aim: float

    @property
    def is_reached(self) -> bool:
        """Whether the aim is reached."""
        return self.ratio >= self.aim


class Count(Struct):
    """How many answers of a contestant were looked at."""

    right: int = 0
    wrong: int = 0


class Run(Struct, kw_only=True):
    """One run of the benchmark."""

    date: str
    machine: str
    command: str
    rounds: int
    seconds: float
    versions: dict[str, str]
    """The contestants that took part."""
    figures: list[Figure] = []
    answers: dict[str, Count] = {}
    disturbance: float = 0.0
    """Of the contestants' core, the largest share that others took during a turn."""
    not_measured: list[str] = []
    """What was left out, and why."""
    failures: list[str] = []
    """What did not run."""

    @property
    def is_sound(self) -> bool:
        """Whether everything ran, and every answer was right."""
        return not self.failures and not any(count.wrong for count in self.answers.values())

    @property
    def metrics(self) -> list[Metric]:
        """What there are figures of."""
        return list(dict.fromkeys(figure.metric for figure in self.figures))

    def figure(self, metric: Metric, contestant: str) -> Figure | None:
        """Give a figure, if there is one."""
        wanted = (metric, contestant)
        return next(
            (each for each in self.figures if (each.metric, each.contestant) == wanted), None
        )

    def ratio(self, metric: Metric, contestant: str, other: str) -> float | None:
        """Say how many times as good one is as another, round by round; above 1 is better.

        Only rounds in which both were measured are compared.
        """
        ours, theirs = self.figure(metric, contestant), self.figure(metric, other)
        if ours is None or theirs is None or not metric.is_compared:
            return None
        pairs = zip(ours.values, theirs.values, strict=False)
        ratios = [a / b if metric.more_is_better else b / a for a, b in pairs if a > 0 and b > 0]
        return median(ratios) if ratios else None

    @property
    def verdicts(self) -> list[Verdict]:
        """Judge every aim for which there are figures."""
        return [
            Verdict(metric, other, ratio, aim)
            for metric in self.metrics
            for other, aim in metric.aims
            if (ratio := self.ratio(metric, "Dragoman", other)) is not None
        ]

    @property
    def reaches_aims(self) -> bool:
        """Whether there are aims, all of them judged and reached."""
        reached = [verdict.is_reached for verdict in self.verdicts]
        return bool(reached) and all(reached) and not self.unjudged

    @property
    def unjudged(self) -> list[str]:
        """List the aims that could not be judged."""
        return [
            f"{metric.measure}, {metric.name}: Dragoman / {other}"
            for metric in self.metrics
            for other, _ in metric.aims
            if self.ratio(metric, "Dragoman", other) is None
        ]
