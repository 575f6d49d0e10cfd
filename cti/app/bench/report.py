"""Shows what was measured: tables on the terminal, latest.json and charts in var/bench."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table as RichTable

from cti import files
from cti.app.bench.figures import Figure, Growth, Outcome, Table, as_json, rounded
from cti.app.bench.plot import svg


def _number(value: float | None) -> str:
    shown = rounded(value)
    return "–" if shown is None else f"{shown:,.0f}" if shown >= 10_000 else f"{shown:g}"


def _limit(figure: Figure) -> str:
    if figure.limit is None:
        return ""
    word = "at least" if figure.at_least else "at most"
    verdict = {True: "[green]kept[/]", False: "[red]not kept[/]", None: "not known"}[figure.held]
    what = f"ratio {word} {figure.limit:g}" if figure.limit_on == "ratio" else f"{word} {figure.limit:g}"
    return f"{what}: {verdict}"


def figures_table(figures: Sequence[Figure]) -> RichTable:
    """Return the main table: ours beside the peer's, and the ratio."""
    table = RichTable(title="Yihaotong beside app_queue, same Asterisk, same run")
    for heading in ("figure", "unit"):
        table.add_column(heading)
    for heading in ("ours", "app_queue", "ratio", "n"):
        table.add_column(heading, justify="right")
    table.add_column("to reach")
    for figure in figures:
        numbers = (_number(figure.ours), _number(figure.peer), _number(figure.ratio), f"{figure.n:,}")
        table.add_row(figure.name, figure.unit, *numbers, _limit(figure))
    return table


def detail_table(table: Table) -> RichTable:
    """Return one of the tables that tell more: the first column is text, the others are numbers."""
    rich = RichTable(title=table.title)
    for index, heading in enumerate(table.headings):
        rich.add_column(heading, justify="right" if index else "left")
    for row in table.rows:
        rich.add_row(*row)
    return rich


def show(console: Console, outcome: Outcome) -> None:
    """Print one outcome's tables and notes; the figures are printed together, by `figures_table`."""
    for table in outcome.tables:
        console.print(detail_table(table))
    for note in outcome.notes:
        console.print(note, highlight=False)


def save(folder: Path, name: str, figures: Sequence[Figure], growths: Sequence[Growth]) -> list[Path]:
    """Write `<name>.json` and one SVG a growth into `folder`, each replaced whole; returns what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {f"{name}.json": as_json(figures), **{f"{growth.name}.svg": svg(growth) for growth in growths}}
    written = []
    for file, text in texts.items():
        files.replace(folder / file, text)
        written.append(folder / file)
    return written
