"""Voice activity: where in a recording somebody speaks, by the silero network (MIT) through onnxruntime.

The network takes 32 ms at a time, with the last 4 ms before them, and tells how likely speech is. What follows
from that is pure. Only the package's ONNX file is used: its code needs torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from recorder.speech.audio import Samples, read
from recorder.speech.base import Span, Stretches

CHUNK_MS: Final = 32
RATES: Final = (8000, 16_000)
"""The network was trained for these."""
_BLOCK_MS: Final = 60_000
"""How much of a file is held at once; whole chunks."""


@dataclass(frozen=True, slots=True)
class Ear:
    """When speech begins and ends. Likelihoods are 0 to 1, lengths milliseconds.

    A gap between `begins` and `ends` keeps a voice that fades from being cut into crumbs.
    """

    begins: float = 0.5
    ends: float = 0.35
    shortest_ms: int = 160
    pause_ms: int = 320
    pad_ms: int = 200


def speech(likely: Sequence[float], ear: Ear = Ear()) -> tuple[Span, ...]:
    """Return where speech is, from the likelihood of each chunk: in order, apart, within the whole."""
    whole = len(likely) * CHUNK_MS
    raw: list[Span] = []
    start: int | None = None
    quiet: int | None = None
    for at, chance in zip(range(0, whole, CHUNK_MS), likely, strict=True):
        if chance >= ear.begins:
            quiet = None
            start = at if start is None else start
        elif start is not None and chance < ear.ends:
            quiet = at if quiet is None else quiet
            if at + CHUNK_MS - quiet >= ear.pause_ms:
                raw.append(Span(start, quiet))
                start = quiet = None
    if start is not None:
        raw.append(Span(start, whole if quiet is None else quiet))
    heard = (span for span in raw if span.ms >= ear.shortest_ms)
    return joined(
        (Span(max(0, span.from_ms - ear.pad_ms), min(whole, span.to_ms + ear.pad_ms)) for span in heard),
        Stretches(0, whole),
    )


def joined(spans: Iterable[Span], stretches: Stretches) -> tuple[Span, ...]:
    """Join spans (in order) whose gap is at most `gap_ms`, as long as the whole stays within `longest_ms`."""
    found: list[Span] = []
    for span in spans:
        if found:
            last = found[-1]
            touch = span.from_ms <= last.to_ms
            near = span.from_ms - last.to_ms <= stretches.gap_ms
            if touch or (near and span.to_ms - last.from_ms <= stretches.longest_ms):
                found[-1] = Span(last.from_ms, max(last.to_ms, span.to_ms))
                continue
        found.append(span)
    return tuple(found)


def network() -> Path | None:
    """Return the network's file; None where the package is not installed."""
    spec = find_spec("silero_vad")  # finds it without importing it
    for place in spec.submodule_search_locations or () if spec else ():
        file = Path(place) / "data" / "silero_vad.onnx"
        if file.is_file():
            return file
    return None


class VoiceActivity:
    """The network, ready to listen; one at a time. Loads in a tenth of a second."""

    def __init__(self, file: Path, ear: Ear = Ear()) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.inter_op_num_threads = options.intra_op_num_threads = 1
        options.log_severity_level = 4
        self._session: Any = onnxruntime.InferenceSession(
            str(file), options, providers=["CPUExecutionProvider"]
        )
        self._ear = ear

    def spans(self, file: Path, within: Sequence[Span], stretches: Stretches) -> tuple[Span, ...]:
        """Return where in `within` somebody speaks; a file of another rate is taken as all speech.

        Raises SpeechError for a file that can not be read.
        """
        found: list[Span] = []
        for span in within:
            likely: list[float] = []
            state = np.zeros((2, 1, 128), np.float32)
            context: Any = None
            for at in range(span.from_ms, span.to_ms, _BLOCK_MS):
                samples, rate = read(file, Span(at, min(span.to_ms, at + _BLOCK_MS)))
                if rate not in RATES:
                    likely = []
                    found.append(span)
                    break
                more, state, context = self._hear(samples, rate, state, context)
                likely += more
            heard = speech(likely, self._ear)
            found += [
                Span(span.from_ms + one.from_ms, min(span.from_ms + one.to_ms, span.to_ms)) for one in heard
            ]
        return joined(found, stretches)

    def _hear(self, samples: Samples, rate: int, state: Any, context: Any) -> tuple[list[float], Any, Any]:
        """Return the likelihood of each chunk, the last one filled up with silence."""
        size, before = rate * CHUNK_MS // 1000, rate // 250
        count = -(-len(samples) // size)
        sound = np.zeros(count * size, np.float32)
        sound[: len(samples)] = samples / np.float32(32768)
        context = np.zeros(before, np.float32) if context is None else context
        likely = []
        rate_input = np.array(rate, np.int64)
        for chunk in sound.reshape(count, size):
            heard = np.concatenate([context, chunk])[np.newaxis]
            out, state = self._session.run(None, {"input": heard, "state": state, "sr": rate_input})
            likely.append(float(out[0, 0]))
            context = chunk[-before:]
        return likely, state, context
