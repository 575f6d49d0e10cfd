"""sherpa-onnx without a model at hand: which folder is which kind, and what a wrong one comes to."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from recorder.speech.base import Span, SpeechError
from recorder.speech.choice import EngineChoice
from recorder.speech.models import SherpaModel, installed, sherpa_model
from recorder.speech.process import EngineProcess
from recorder.speech.sherpa import pieces, segment_of

pytestmark = pytest.mark.contract

SENSE_VOICE_TOKENS = "<unk> 0\n<|zh|> 1\n你 2\n"
PLAIN_TOKENS = "<blank> 0\n你 1\n好 2\n"


def _model(folder: Path, *files: str, tokens: str | bytes | None = PLAIN_TOKENS, size: int = 5000) -> Path:
    folder.mkdir(parents=True)
    for name in files:
        (folder / name).write_bytes(os.urandom(size))
    if tokens is not None:
        (folder / "tokens.txt").write_bytes(tokens.encode() if isinstance(tokens, str) else tokens)
    return folder


@pytest.mark.parametrize(
    ("name", "files", "tokens", "kind", "chosen"),
    [
        ("sv", ["model.onnx", "model.int8.onnx"], SENSE_VOICE_TOKENS, "sense-voice", ["model.int8.onnx"]),
        ("pf", ["model.onnx"], PLAIN_TOKENS, "paraformer", ["model.onnx"]),
        (
            "sherpa-onnx-zipformer-multi-zh-hans",
            [
                f"{part}-epoch-20-avg-1{kind}.onnx"
                for part in ("encoder", "decoder", "joiner")
                for kind in ("", ".int8")
            ],
            PLAIN_TOKENS,
            "zipformer",
            [f"{part}-epoch-20-avg-1.int8.onnx" for part in ("encoder", "decoder", "joiner")],
        ),
        (
            "zh",
            [f"{part}-epoch-20-avg-1-chunk-16-left-128.onnx" for part in ("encoder", "decoder", "joiner")],
            PLAIN_TOKENS,
            "streaming zipformer",
            [f"{part}-epoch-20-avg-1-chunk-16-left-128.onnx" for part in ("encoder", "decoder", "joiner")],
        ),
        (
            "sherpa-onnx-streaming-paraformer-bilingual-zh-en",
            ["encoder.int8.onnx", "decoder.int8.onnx"],
            PLAIN_TOKENS,
            "streaming paraformer",
            ["encoder.int8.onnx", "decoder.int8.onnx"],
        ),
    ],
)
def test_what_lies_in_a_folder_says_which_kind_of_model_it_is(
    tmp_path: Path, name: str, files: list[str], tokens: str, kind: str, chosen: list[str]
) -> None:
    found = sherpa_model(_model(tmp_path / name, *files, tokens=tokens))
    assert isinstance(found, SherpaModel)
    assert (found.kind, [file.name for file in found.files.values()]) == (kind, chosen)


@pytest.mark.parametrize(
    ("files", "tokens", "fault"),
    [
        (["model.onnx"], None, "is no sherpa-onnx model: tokens.txt is missing"),
        ([], PLAIN_TOKENS, "neither model.onnx nor encoder, decoder and joiner are there"),
        (["encoder.onnx"], PLAIN_TOKENS, "neither model.onnx nor encoder"),
        (["model.onnx"], b"\xff\xfe\x00 1", "tokens.txt can not be read"),
        (["model.onnx"], "<!DOCTYPE html>\n<html>", "is no list of tokens"),
    ],
)
def test_a_folder_that_is_no_model_is_named_with_what_it_lacks(
    tmp_path: Path, files: list[str], tokens: str | bytes | None, fault: str
) -> None:
    _model(tmp_path / "sherpa-x", *files, tokens=tokens)
    [model] = installed(tmp_path, "zh")
    assert model.engine == "sherpa-onnx"
    assert fault in model.fault
    assert str(tmp_path) in model.fault


def test_a_model_that_was_not_copied_whole_is_seen_without_loading_it(tmp_path: Path) -> None:
    _model(tmp_path / "sherpa-x", "model.onnx", size=100)
    [model] = installed(tmp_path, "zh")
    assert model.fault.endswith("model.onnx was not copied whole")


def test_the_languages_are_those_of_the_name_else_those_asked_for(tmp_path: Path) -> None:
    _model(tmp_path / "sherpa-onnx-paraformer-bilingual-zh-en", "model.onnx")
    _model(tmp_path / "sherpa-onnx-sense-voice-zh", "model.onnx", tokens=SENSE_VOICE_TOKENS)
    _model(tmp_path / "sherpa-z", "model.onnx")
    found = {model.path.name: model.languages for model in installed(tmp_path, "zh")}
    assert found["sherpa-onnx-paraformer-bilingual-zh-en"] == {"zh", "en"}
    assert "yue" in found["sherpa-onnx-sense-voice-zh"]
    assert found["sherpa-z"] == {"zh"}


async def test_a_wrong_model_is_said_in_one_line_and_not_tried_again(tmp_path: Path) -> None:
    for number, tokens in enumerate((SENSE_VOICE_TOKENS, PLAIN_TOKENS)):
        model = _model(tmp_path / f"sherpa-{number}", "model.onnx", tokens=tokens)
        engine = EngineProcess(EngineChoice("sherpa-onnx", model, "zh"))
        with pytest.raises(SpeechError) as caught:
            await engine.start()
        said = str(caught.value)
        assert str(model) in said
        assert said.isprintable()
        assert not caught.value.retryable
        assert engine.pid is None


async def test_tokens_that_end_the_whole_process_end_no_process_but_the_engines(tmp_path: Path) -> None:
    """The library calls exit(255) over this; whoever asked goes on, and hears what it said last."""
    model = _model(tmp_path / "sherpa-x", "model.onnx", tokens="a b c 1\nd e f 2\n")
    with pytest.raises(SpeechError, match=r"sherpa-onnx has ended while it loaded .*sherpa-x") as caught:
        await EngineProcess(EngineChoice("sherpa-onnx", model, "zh")).start()
    assert not caught.value.retryable


def test_long_stretches_are_cut_into_equal_pieces_without_a_gap() -> None:
    cut = list(pieces([Span(1_000, 71_000), Span(80_000, 81_000)], 30_000))
    assert [span.ms for span in cut] == [23_333, 23_333, 23_334, 1_000]
    assert cut[0].to_ms == cut[1].from_ms
    assert (cut[0].from_ms, cut[2].to_ms) == (1_000, 71_000)


def test_a_result_is_told_with_its_words_in_simplified_characters() -> None:
    result = SimpleNamespace(
        text="路燈壞了",
        tokens=["路", "燈", "壞", "了"],
        timestamps=[0.1, 0.3, 0.6, 0.9],
        ys_log_probs=[-0.1] * 4,
    )
    segment = segment_of(result, 1_000, "zh")
    assert segment is not None
    assert (segment.text, segment.start_ms, segment.end_ms) == ("路灯坏了", 100, 1_000)
    assert segment.confidence == 0.905
    assert [word.end_ms for word in segment.words] == [300, 600, 900, 1_000]


def test_a_result_without_times_or_without_text_is_told_as_far_as_it_goes() -> None:
    bare = SimpleNamespace(text=" 你好 ", tokens=[], timestamps=[])
    segment = segment_of(bare, 800, "zh")
    assert segment is not None
    assert (segment.start_ms, segment.end_ms, segment.words, segment.confidence) == (0, 800, (), 0.0)
    assert segment_of(SimpleNamespace(text="", tokens=[], timestamps=[]), 800, "zh") is None
