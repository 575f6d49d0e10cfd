"""Says what is wrong with the built clips: missing, out of date, wrong format, silent, implausibly long."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ivr.prompts.build import Fault, orders
from ivr.prompts.items import Item
from ivr.prompts.library import RATE, Library, Sound, examine

QUIETEST_PEAK = 0.25
"""Of full scale, -12 dB: clips are made with peaks at -3 dB."""
MS_PER_LETTER = {"zh": (60, 900), "en": (15, 400)}
"""How long a letter may take, pauses included; outside it a voice stumbled or a recording is another's."""
_SLACK_MS = 1500


def check(
    library: Library, items: Sequence[Item], recordings: Path, voice: str, command: tuple[str, ...] = ()
) -> tuple[Fault, ...]:
    """Return every fault of every clip that the city needs, in their order; empty when all is right."""
    wanted, faults, _ = orders(items, recordings, voice, command)
    found = list(faults)
    entries = library.entries()
    for order in wanted:
        item = order.item
        file = library.clip(item.language, item.prompt_id)
        entry = entries.get(item.name)
        if not file.is_file():
            found.append(Fault(item.name, "is not built: run `yht prompts build`"))
            continue
        if entry is None or entry.key != order.key:
            found.append(
                Fault(item.name, "says an older text or is of another voice: run `yht prompts build`")
            )
        try:
            sound = examine(file)
        except (OSError, ValueError) as error:
            found.append(Fault(item.name, f"{error}: delete {file} and run `yht prompts build`"))
            continue
        found += [Fault(item.name, what) for what in _sound_faults(sound, order.text, item)]
    return tuple(found)


def _sound_faults(sound: Sound, text: str, item: Item) -> list[str]:
    found = []
    if (sound.rate, sound.channels, sound.bits) != (RATE, 1, 16):
        found.append(
            f"has {sound.rate} Hz, {sound.channels} channels, {sound.bits} bit; {RATE} Hz, 1, 16 are right"
        )
    elif sound.peak < QUIETEST_PEAK:
        found.append(f"is too quiet: peak {sound.peak:.2f} of full scale, {QUIETEST_PEAK} or more is right")
    shortest, longest = MS_PER_LETTER.get(item.language, (10, 1000))
    letters = sum(letter.isalnum() for letter in text)
    if not shortest * letters <= sound.ms <= longest * letters + _SLACK_MS:
        found.append(f"lasts {sound.ms} ms for {letters} letters: listen to it")
    return found
