"""`yht prompts` with a real voice and a real sox: build, build again, check, list."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cti.app.cli import app

pytestmark = pytest.mark.contract

CITY = Path(__file__).parents[1] / "unit" / "wrong_config" / "city"
needs_voice = pytest.mark.skipif(
    not (shutil.which("espeak-ng") and shutil.which("sox")), reason="espeak-ng and sox are not installed"
)


@needs_voice
def test_prompts_are_built_checked_and_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YHT_OPT", str(tmp_path / "opt"))
    # The hundred clips of numbers would only take their time.
    monkeypatch.setattr("ivr.prompts.items.VOCABULARY", {"zh": {"num_1": "一"}})

    def yht(*arguments: str, code: int = 0) -> tuple[str, str]:
        result = CliRunner().invoke(app, ["--config", str(CITY), "prompts", *arguments])
        assert result.exit_code == code, result.output
        return result.stdout, result.stderr

    _, said = yht("check", code=1)
    assert said.startswith("yht: no prompt is built in ")
    assert said.count("\n") == 1
    assert yht("build")[0].startswith("7 clips built, 0 kept in ")
    (tmp_path / "opt" / "prompts" / "espeak-ng" / "zh" / "greeting.wav").unlink()
    _, faults = yht("check", code=1)
    assert faults == "zh/greeting: is not built: run `yht prompts build`\n"
    assert yht("build")[0].startswith("1 clips built, 6 kept in ")
    assert yht("build")[0].startswith("0 clips built, 7 kept in ")
    assert (tmp_path / "opt" / "prompts" / "espeak-ng" / "zh" / "unknown_number.wav").is_file()
    rows = json.loads(yht("list", "--json")[0])
    assert all(row["ms"] > 0 and row["spoken_by"].startswith("espeak-ng") for row in rows)
    assert json.loads(yht("check", "--json")[0]) == {"clips": 7, "faults": []}
