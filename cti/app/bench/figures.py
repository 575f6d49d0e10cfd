"""What a measurement ends in: named numbers of ours beside the peer's, their medians and ratios. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field


class Invalid(Exception):
    """A measurement that must not be believed, say because calls failed; the text says what and how often."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, measured on both sides in one run.

    `ours` and `peer` are in `unit`; `peer` is None where there is nothing to compare with. `n` is how many
    samples (calls, gaps, rounds) stand behind it. `limit`, where there is one, is what the ratio (or, with
    `limit_on` "ours", the number itself) is to stay within.
    """

    name: str
    unit: str
    ours: float
    peer: float | None
    n: int
    limit: float | None = None
    limit_on: str = "ratio"
    at_least: bool = False
    """Whether the limit is a floor (calls per second) instead of a ceiling (milliseconds)."""

    @property
    def ratio(self) -> float | None:
        """Ours over the peer's; None without a peer or where the peer's is zero."""
        return self.ours / self.peer if self.peer else None

    @property
    def held(self) -> bool | None:
        """Whether the limit is kept; None where there is none or nothing to compare with."""
        value = self.ours if self.limit_on == "ours" else self.ratio
        if self.limit is None or value is None:
            return None
        return value >= self.limit if self.at_least else value <= self.limit


@dataclass(frozen=True, slots=True)
class Table:
    """More than one number can say: rows of text under headings, printed after the figures."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Growth:
    """How a number grows with the size of the problem: one line of (size, value) points a series."""

    name: str
    title: str
    across: str
    up: str
    series: Mapping[str, tuple[tuple[float, float], ...]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one measurement found."""

    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    growths: tuple[Growth, ...] = ()
    notes: tuple[str, ...] = field(default=())


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` (0 to 1) of the values do not exceed (nearest rank).

    Raises ValueError without values or with a share outside 0 to 1.
    """
    if not values:
        raise ValueError("no values")
    if not 0 <= share <= 1:
        raise ValueError(f"a share is between 0 and 1, not {share}")
    ranked = sorted(values)
    rank = -int(-share * len(ranked) // 1)  # the ceiling
    return ranked[max(0, rank - 1)]


def median(values: Sequence[float]) -> float:
    """Return the middle value, the mean of the two middle ones where their number is even."""
    if not values:
        raise ValueError("no values")
    ranked = sorted(values)
    half = len(ranked) // 2
    return ranked[half] if len(ranked) % 2 else (ranked[half - 1] + ranked[half]) / 2


def rounded(value: float | None) -> float | None:
    """Return a number as it is reported: four significant digits."""
    return None if value is None else float(f"{value:.4g}")


def as_json(figures: Iterable[Figure]) -> str:
    """Write the text of `latest.json`."""
    rows = [
        {
            "name": figure.name,
            "unit": figure.unit,
            "ours": rounded(figure.ours),
            "peer": rounded(figure.peer),
            "ratio": rounded(figure.ratio),
            "n": figure.n,
        }
        for figure in figures
    ]
    return json.dumps({"figures": rows}, ensure_ascii=False, indent=2) + "\n"


def figure_row(figure: Figure) -> dict[str, object]:
    """Return everything there is to say about a figure, JSON-able, for `--json`."""
    row = asdict(figure)
    return {**row, "ratio": rounded(figure.ratio), "held": figure.held}
