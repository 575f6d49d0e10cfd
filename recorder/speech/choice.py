"""Which engine transcribes a language, and why not the one before it in the city's order. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from recorder.speech.base import EngineName

TO_BRING: Final[Mapping[tuple[EngineName, str], str]] = MappingProxyType(
    {
        ("vosk", "zh"): "vosk-model-cn-0.22 (1.2 GB) or vosk-model-small-cn-0.22 (42 MB)",
        ("vosk", "en"): "vosk-model-en-us-0.22 or vosk-model-small-en-us-0.15",
        ("sherpa-onnx", "zh"): "sherpa-onnx-sense-voice-zh-en-ja-ko-yue-2024-07-17",
        ("sherpa-onnx", "en"): "sherpa-onnx-sense-voice-zh-en-ja-ko-yue-2024-07-17",
        ("faster-whisper", "zh"): "the base model that set-up installs, or faster-whisper-small and larger",
        ("faster-whisper", "en"): "the base model that set-up installs, or faster-whisper-small and larger",
    }
)
"""What an operator brings for production; docs/speech.md says where each goes."""


class NoEngineError(Exception):
    """No engine can transcribe the language; the message says, per engine, why and what to bring."""


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model found on this machine; `fault` says why it can not be used ("" if it can)."""

    engine: EngineName
    path: Path
    languages: frozenset[str]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """The engine to use. `why` says why each before it in the city's order was passed ("" for the first)."""

    engine: EngineName
    model: Path
    language: str
    why: str = ""


def choose_engine(
    order: Sequence[EngineName], language: str, installed: Sequence[InstalledModel]
) -> EngineChoice:
    """Return the first engine of `order` with a usable model for `language`; of its models the first.

    Raises NoEngineError when there is none.
    """
    passed: list[str] = []
    for engine in order:
        fitting = [model for model in installed if model.engine == engine and language in model.languages]
        for model in fitting:
            if not model.fault:
                return EngineChoice(engine, model.path, language, "; ".join(passed))
        passed.append(_why_not(engine, language, fitting, installed))
    raise NoEngineError("; ".join(passed) or "the city's configuration names no speech engine")


def _why_not(
    engine: EngineName, language: str, fitting: Sequence[InstalledModel], installed: Sequence[InstalledModel]
) -> str:
    if fitting:
        return "; ".join(model.fault for model in fitting)
    broken = [model.fault for model in installed if model.engine == engine and model.fault]
    bring = TO_BRING.get((engine, language))
    remedy = f": bring {bring}" if bring else ""
    return "; ".join((f"no {engine} model for {language} is installed{remedy}", *broken))
