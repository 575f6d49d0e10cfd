"""`yht prompts`: builds what the platform says, checks it, lists it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cti.app.commands.common import BAD, JsonOption, Where, fail, show_json, show_table, where
from ivr.prompts.build import Fault, Outcome, build
from ivr.prompts.check import check
from ivr.prompts.items import DemoLine, Item, wanted
from ivr.prompts.library import Library, LibraryBusyError

app = typer.Typer(help="What the platform says: build it, check it.", no_args_is_help=True)


@dataclass(frozen=True, slots=True)
class _Work:
    """What a city says, who says it, and where the clips lie."""

    items: tuple[Item, ...]
    library: Library
    recordings: Path
    voice: str
    command: tuple[str, ...]

    @classmethod
    def of(cls, place: Where) -> _Work:
        city, paths = place.city(), place.paths
        texts = {name: {"zh": prompt.zh, "en": prompt.en} for name, prompt in city.prompts.items()}
        lines = [DemoLine(line.id, line.speaker, line.text) for line in city.demo]
        voice = city.platform.voice
        return cls(
            wanted(texts, lines),
            Library(paths.prompts / voice.engine),
            paths.config_dir / "recordings" / "prompts",
            voice.engine,
            voice.command,
        )


@app.command("build")
def build_prompts(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Build the clips that are missing or changed; a human recording takes the place of the voice."""
    work = _Work.of(where(ctx))
    console = Console(stderr=True)
    columns = (TextColumn("Prompts"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    try:
        with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
            task = bar.add_task("", total=None)

            def progress(done: int, total: int, item: Item) -> None:
                bar.update(task, completed=done, total=total, description=item.name)

            outcome = build(work.library, work.items, work.recordings, work.voice, work.command, progress)
    except LibraryBusyError as error:
        fail(str(error))
    except OSError as error:
        fail(f"the prompts can not be written: {error}")
    if as_json:
        show_json(_as_json(work, outcome))
    else:
        sys.stdout.write(_told(work, outcome))
    _say(outcome.faults)


@app.command("check")
def check_prompts(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Say which clips are missing, out of date, in a wrong format, silent or of an unlikely length."""
    work = _Work.of(where(ctx))
    faults = check(work.library, work.items, work.recordings, work.voice, work.command)
    if as_json:
        show_json({"clips": len(work.items), "faults": [_fault(fault) for fault in faults]})
    elif not faults:
        sys.stdout.write(f"{len(work.items)} clips in {work.library.folder} are right\n")
    elif not work.library.entries():
        fail(f"no prompt is built in {work.library.folder}: run `yht prompts build`")
    _say(faults)


@app.command("list")
def list_prompts(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """List every clip with its text, who speaks it and how long it is."""
    work = _Work.of(where(ctx))
    entries = work.library.entries()
    rows = []
    for item in work.items:
        clip = work.library.clip(item.language, item.prompt_id)
        entry = entries.get(item.name) if clip.is_file() else None
        rows.append(
            {
                "clip": item.name,
                "text": item.text,
                "spoken_by": entry.source if entry else "",
                "ms": entry.ms if entry else None,
                "file": str(clip) if entry else "",
            }
        )
    if as_json:
        show_json(rows)
        return
    show_table(
        ("clip", "text", "spoken by", "ms"),
        ((row["clip"], row["text"], row["spoken_by"] or "not built", row["ms"] or "") for row in rows),
    )


def _told(work: _Work, outcome: Outcome) -> str:
    speakers = ", ".join(f"{language} by {voice or 'nobody'}" for language, voice in outcome.voices.items())
    lines = [
        f"{len(outcome.built)} clips built, {outcome.kept} kept in {work.library.folder}; spoken: {speakers}",
        *(f"{language}: {why}" for language, why in outcome.why.items()),
    ]
    return "".join(f"{line}\n" for line in lines)


def _as_json(work: _Work, outcome: Outcome) -> dict[str, object]:
    return {
        "folder": str(work.library.folder),
        "built": outcome.built,
        "kept": outcome.kept,
        "voices": outcome.voices,
        "why": outcome.why,
        "faults": [_fault(fault) for fault in outcome.faults],
    }


def _fault(fault: Fault) -> dict[str, str]:
    return {"clip": fault.name, "what": fault.what}


def _say(faults: Sequence[Fault]) -> None:
    """Say each fault on a line of its own; any ends the command as bad."""
    for fault in faults:
        sys.stderr.write(f"{fault.name}: {fault.what}\n")
    if faults:
        raise typer.Exit(BAD)
