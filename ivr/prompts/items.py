"""Which clips a city needs: its own prompts, the vocabulary of numbers, the lines of the demo."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ivr.prompts.vocabulary import VOCABULARY

PIPELINE = 1
"""Raised when the finishing of clips changes, so that every clip is built anew."""

_CITIZEN = ("pitch", "-380", "tempo", "-s", "1.06")
"""Makes the one voice there is sound like somebody else: deeper by almost four semitones, a little faster."""


@dataclass(frozen=True, slots=True)
class Item:
    """One clip to have. `trimmed` cuts the silence around it; `effects` are arguments of sox."""

    prompt_id: str
    language: str
    text: str
    trimmed: bool = False
    effects: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The clip's place in the library and the manifest: zh/greeting."""
        return f"{self.language}/{self.prompt_id}"


@dataclass(frozen=True, slots=True)
class DemoLine:
    """One thing that somebody says in the demo conversation; `speaker` is `citizen` or `agent`."""

    line_id: str
    speaker: str
    text: str

    @property
    def prompt_id(self) -> str:
        """The id of the clip that holds this line."""
        return f"demo_{self.line_id}"


def wanted(
    prompts: Mapping[str, Mapping[str, str]],
    demo: Iterable[DemoLine] = (),
) -> tuple[Item, ...]:
    """Return every clip that is needed, each once, the city's prompts first.

    `prompts`: id → language → text. A city's prompt with the id of a vocabulary clip takes its place.
    """
    items: dict[str, Item] = {}
    for prompt_id, texts in prompts.items():
        for language, text in texts.items():
            item = Item(prompt_id, language, text, trimmed=prompt_id in VOCABULARY.get(language, {}))
            items[item.name] = item
    for line in demo:
        item = Item(line.prompt_id, "zh", line.text, effects=_CITIZEN if line.speaker == "citizen" else ())
        items[item.name] = item
    for language, clips in VOCABULARY.items():
        for prompt_id, text in clips.items():
            item = Item(prompt_id, language, text, trimmed=True)
            items.setdefault(item.name, item)
    return tuple(items.values())


def key(item: Item, source: str, spoken_text: str) -> str:
    """Return what a built clip is compared by: another key means that it has to be built again.

    `source` is the voice's name and version, or the hash of a human recording.
    """
    parts = [PIPELINE, source, spoken_text, item.trimmed, item.effects]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:24]
