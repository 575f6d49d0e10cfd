"""Recordings in keeping: manifest, vault, database and commands agree, and whatever does not is told."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from typer.testing import CliRunner, Result

from config.paths import Paths
from cti.app import cli
from cti.app.upkeep import retention
from cti.sql import Base, database_url, open_database, sessions
from cti.tables import CallRow
from recorder import access, store
from recorder.keeping import HeldError, Keeper
from recorder.seal import seal
from recorder.tables import RecordingRow
from recorder.vault import manifest
from recorder.vault.store import Vault
from tests.contract.speech_rig import write

pytestmark = pytest.mark.contract

DAY = "2026/11/24"
START = 1_795_536_000_000_000
DAY_US = 24 * 3600 * 1_000_000


def call_id(number: int) -> str:
    return f"n1-1795536000.{number}"


class Home:
    """A home with recordings that the keeper keeps, and `yht` on it."""

    def __init__(self, folder: Path, url: str | None = None) -> None:
        self.paths = Paths.find(folder, environment={})
        self.paths.database.parent.mkdir(parents=True, exist_ok=True)
        self.url = url or database_url(self.paths.database, None)
        self.vault = Vault(self.paths.recordings, self.paths.secrets)

    async def work(self, do: Callable[[Keeper], Coroutine[Any, Any, Any]]) -> Any:
        engine = open_database(self.url)
        try:
            async with engine.begin() as connection:
                await connection.run_sync(Base.metadata.create_all)
            return await do(Keeper(self.vault, sessions(engine)))
        finally:
            await engine.dispose()

    def do(self, do: Callable[[Keeper], Coroutine[Any, Any, Any]]) -> Any:
        return asyncio.run(self.work(do))

    def sql(self, statement: str) -> list[Any]:
        async def do(keeper: Keeper) -> list[Any]:
            async with keeper._sessions.begin() as session:
                result = await session.execute(text(statement))
                return [tuple(row) for row in result] if result.returns_rows else []

        found: list[Any] = self.do(do)
        return found

    def yht(self, *arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(cli.app, ["--home", str(self.paths.home), *arguments])
        assert result.exit_code == code, result.output
        return result

    def said(self, *arguments: str, code: int = 0) -> str:
        return self.yht(*arguments, code=code).stdout


def _samples(number: int) -> Any:
    import numpy as np

    return (np.sin(np.arange(8000) / (5 + number)) * 8000).astype(np.int16)


def record(home: Home, number: int, *, keep: bool = True, at: int = START, hotline: str = "12319") -> None:
    call = call_id(number)
    place = home.paths.recordings / DAY / call
    place.mkdir(parents=True)
    for side, offset in (("citizen", 0), ("agent", 20)):
        write(place / f"{side}.wav", _samples(number + offset))
    recording = seal(home.paths.recordings, f"{DAY}/{call}", call, (), at)

    async def do(keeper: Keeper) -> None:
        async with keeper._sessions.begin() as session:
            await store.save_recording(session, recording)
            row = await session.get(RecordingRow, call)
            assert row is not None
            row.started_at = at
            session.add(_call(call, at, hotline))
        if keep:
            assert await keeper.keep(recording, fresh=True)

    home.do(do)


def _call(call: str, at: int, hotline: str) -> CallRow:
    values: dict[str, Any] = dict.fromkeys(
        ("dialed_number", "caller_number", "queue", "agent", "seat", "outcome"), ""
    )
    return CallRow(
        call_id=call, node="n1", hotline=hotline, arrived_at=at, talk_ms=0, folder=f"{DAY}/{call}", **values
    )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    for number in (1, 2, 3):
        record(made, number)
    return made


def lines(home: Home) -> list[str]:
    return manifest.path(home.paths.recordings, DAY).read_text().splitlines(keepends=True)


def rewrite(home: Home, kept: list[str]) -> None:
    manifest.path(home.paths.recordings, DAY).write_text("".join(kept))


def test_recordings_in_keeping_are_proven(home: Home) -> None:
    assert home.said("recording", "verify") == "3 recordings checked, all as sealed\n"
    assert home.said("recording", "verify", "--day", "2026-11-24") == "3 recordings checked, all as sealed\n"
    assert (
        home.said("recording", "verify", "--day", "2026-11-23") == "No recordings fit; nothing was checked.\n"
    )
    found = json.loads(home.said("recording", "verify", "--all", "--json"))
    assert found[-1] == {"day": DAY, "faults": []}
    page = home.said("recording", "show", call_id(2))
    assert "kept encrypted; to listen: yht recording export" in page
    assert {row for (row,) in home.sql("SELECT store FROM recording")} == {"home"}


def test_a_removed_recording_shows(home: Home) -> None:
    shutil.rmtree(home.paths.recordings / DAY / call_id(2))
    assert f"{call_id(2)}: not sealed: there is no index.json" in home.said("recording", "verify", code=1)
    home.sql("DELETE FROM recording WHERE call_id LIKE '%.2'")
    assert f"call {call_id(2)} is in the manifest and not in the database" in home.said(
        "recording", "verify", code=1
    )
    rewrite(home, [line for line in lines(home) if call_id(2) not in line])
    assert "an entry was removed, added or moved" in home.said("recording", "verify", code=1)


def test_a_changed_recording_shows_however_far_the_change_was_carried(home: Home) -> None:
    place = home.paths.recordings / DAY / call_id(1)
    sound = place / "citizen.flac.enc"
    sound.chmod(0o600)
    whole = sound.read_bytes()
    sound.write_bytes(whole[:500] + bytes([whole[500] ^ 1]) + whole[501:])
    assert "citizen.flac.enc is not what was put away" in home.said("recording", "verify", code=1)
    sound.write_bytes(whole)
    index = place / "index.json"
    index.chmod(0o600)
    index.write_text(index.read_text().replace('"note": ""', '"note": "x"', 1))
    assert "index.json has changed since it was entered" in home.said("recording", "verify", code=1)


def test_reordered_and_rewritten_manifests_show(home: Home) -> None:
    one, two, three = lines(home)
    rewrite(home, [one, three, two])
    assert "line 2: entry 3 does not follow entry 1" in home.said("recording", "verify", code=1)
    rewrite(home, [one, two])
    said = home.said("recording", "verify", code=1)
    assert f"{call_id(3)}: its entry in the day's manifest was removed" in said
    manifest.path(home.paths.recordings, DAY).unlink()
    assert home.said("recording", "verify", code=1).count("its entry in the day's manifest was removed") == 3


def test_two_recordings_that_were_swapped_show(home: Home, tmp_path: Path) -> None:
    one, two = (home.paths.recordings / DAY / call_id(number) for number in (1, 2))
    one.rename(tmp_path / "aside")
    two.rename(one)
    (tmp_path / "aside").rename(two)
    said = home.said("recording", "verify", code=1)
    assert said.count("citizen.wav and its index have changed") == 2


def test_an_export_is_what_was_sealed_and_is_written_down(home: Home, tmp_path: Path) -> None:
    target = tmp_path / "court"
    home.yht("recording", "export", call_id(1), str(target))
    names = sorted(file.name.removeprefix(f"{call_id(1)}.") for file in target.iterdir())
    assert names == ["agent.wav", "citizen.wav", "index.json", "manifest_entry.json"]
    sound = target / f"{call_id(1)}.citizen.wav"
    assert sound.read_bytes()[44:] == _samples(1).tobytes()
    assert sound.stat().st_mode & 0o777 == 0o600
    entry = json.loads((target / f"{call_id(1)}.manifest_entry.json").read_text())
    assert subprocess.check_output(["sha256sum", sound], text=True).split()[0] == entry["sha256_citizen"]
    again = home.yht("recording", "export", call_id(1), str(target), code=1)
    assert "is there already; name another folder" in again.stderr
    done = json.loads(home.said("recording", "access", call_id(1), "--json"))
    assert [row["action"] for row in done] == ["export", "export"]
    assert str(target) in done[0]["detail"]
    assert done[0]["who"]


def test_nothing_of_a_changed_recording_is_exported(home: Home, tmp_path: Path) -> None:
    sound = home.paths.recordings / DAY / call_id(1) / "agent.flac.enc"
    sound.chmod(0o600)
    sound.write_bytes(sound.read_bytes()[:-1])
    said = home.yht("recording", "export", call_id(1), str(tmp_path / "x"), code=1).stderr
    assert "is not what was put away: changed, cut short, or of another call" in said
    assert "Traceback" not in said
    assert not (tmp_path / "x" / f"{call_id(1)}.agent.wav").exists()


def test_a_held_recording_is_not_deleted_until_it_is_released(home: Home) -> None:
    home.yht("recording", "hold", call_id(1), "--reason", "case 7 at court")
    assert "held: case 7 at court" in home.said("recording", "show", call_id(1))
    refused = home.yht("recording", "delete", call_id(1), "--reason", "asked", "--yes", code=1).stderr
    assert f"is held: case 7 at court; yht recording hold {call_id(1)} --release" in refused
    home.yht("recording", "hold", call_id(1), "--release")
    home.yht("recording", "delete", call_id(1), "--reason", "asked", "--yes")
    assert home.yht("recording", "hold", call_id(1), code=2).stderr.startswith("yht: say why")


def test_a_deletion_leaves_no_sound_and_a_proof(home: Home, tmp_path: Path) -> None:
    home.yht("recording", "delete", call_id(2), "--reason", "the citizen asked for it", "--yes")
    assert not (home.paths.recordings / DAY / call_id(2)).exists()
    last = json.loads(lines(home)[-1])
    assert (last["what"], last["call_id"], last["why"]) == ("deleted", call_id(2), "the citizen asked for it")
    assert home.said("recording", "verify") == "3 recordings checked, all as sealed\n"
    assert "deleted" in home.said("recording", "list")
    assert "was deleted" in home.yht("recording", "export", call_id(2), str(tmp_path / "x"), code=1).stderr
    home.yht("recording", "delete", call_id(2), "--reason", "once more", "--yes")
    assert len(lines(home)) == 4, "once is enough"
    (home.paths.recordings / DAY / call_id(2)).mkdir()
    (home.paths.recordings / DAY / call_id(2) / "citizen.wav").write_bytes(b"again")
    assert "was deleted, and is there again: citizen.wav" in home.said("recording", "verify", code=1)


def test_a_deletion_that_was_interrupted_is_told_and_can_be_ended(home: Home) -> None:
    def interrupted(folder: str) -> None:
        raise OSError("the power went")

    async def do(keeper: Keeper) -> None:
        keeper.vault.remove = interrupted  # type: ignore[method-assign]
        with pytest.raises(OSError, match="the power went"):
            await keeper.delete(call_id(1), "asked", "me", START)

    home.do(do)
    said = home.said("recording", "verify", code=1)
    assert f"the deletion of call {call_id(1)} was begun and not ended: yht recording delete" in said
    home.vault = Vault(home.paths.recordings, home.paths.secrets)
    home.yht("recording", "delete", call_id(1), "--reason", "asked", "--yes")
    assert home.said("recording", "verify") == "3 recordings checked, all as sealed\n"


def test_what_is_past_its_hotlines_time_is_deleted_and_nothing_else(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    record(home, 1, hotline="12319")
    record(home, 2, hotline="12345")
    record(home, 3, hotline="12319", at=START + 20 * DAY_US)
    record(home, 4, hotline="12319")
    home.yht("recording", "hold", call_id(4), "--reason", "court")

    async def expire(keeper: Keeper) -> int:
        return await keeper.expire({"12319": 30}, "retention", START + 31 * DAY_US)

    assert home.do(expire) == 1
    assert home.do(expire) == 0
    gone = home.sql("SELECT call_id FROM recording WHERE deleted_at IS NOT NULL")
    assert gone == [(call_id(1),)]
    [row] = json.loads(home.said("recording", "access", call_id(1), "--json"))
    assert (row["action"], row["who"]) == ("expire", "retention")


def test_only_hotlines_that_name_a_time_lose_recordings(home: Home) -> None:
    from config import load

    assert retention(load(home.paths.config_dir)) == {}


def test_what_could_not_be_put_away_is_caught_up_with(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    record(home, 1, keep=False)
    record(home, 2, keep=False)
    home.paths.secrets.mkdir(parents=True)
    (home.paths.secrets / "recordings.json").write_text("rubbish")

    async def catch_up(keeper: Keeper) -> int:
        done = await keeper.catch_up()
        assert ("recordings.json can not be read" in keeper.trouble) == (done == 0 and rubbish.exists())
        return done

    rubbish = home.paths.secrets / "recordings.json"
    assert home.do(catch_up) == 0, "the store is not usable: nothing is lost, nothing is done"
    assert home.said("recording", "verify") == "2 recordings checked, all as sealed\n"
    rubbish.unlink()
    assert home.do(catch_up) == 2
    assert home.said("recording", "verify") == "2 recordings checked, all as sealed\n"
    assert len(lines(home)) == 2, "each is entered once"


def test_two_who_keep_the_same_recording_at_once_enter_it_once(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    for number in range(4):
        record(home, number, keep=False)

    async def both(keeper: Keeper) -> None:
        other = Keeper(keeper.vault, keeper._sessions)
        await asyncio.gather(keeper.catch_up(), other.catch_up(page=1), keeper.catch_up(page=3))

    home.do(both)
    assert len(lines(home)) == 4
    assert home.said("recording", "verify") == "4 recordings checked, all as sealed\n"


def test_one_altered_recording_does_not_keep_the_others_from_being_put_away(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    record(home, 1, keep=False)
    record(home, 2, keep=False)
    side = home.paths.recordings / DAY / call_id(1) / "agent.wav"
    side.chmod(0o600)
    side.write_bytes(side.read_bytes()[:-2])

    async def catch_up(keeper: Keeper) -> int:
        return await keeper.catch_up()

    assert home.do(catch_up) == 1
    assert "agent.wav has changed" in home.said("recording", "verify", code=1)


def test_the_master_key_is_rotated_under_recordings_that_stay_readable(home: Home, tmp_path: Path) -> None:
    file = home.paths.secrets / "recordings.json"
    first = json.loads(file.read_text())["active"]
    assert "3 recordings are wrapped with the master key" in home.said("recording", "rotate-key")
    names = json.loads(file.read_text())
    assert names["active"] != first
    assert first in names, "what was being put away just then still opens"
    assert f"dropped: {first}" in home.said("recording", "rotate-key")
    assert home.said("recording", "verify") == "3 recordings checked, all as sealed\n"


async def test_the_record_of_accesses_can_not_be_changed(sql_url: str, tmp_path: Path) -> None:
    script = "import sys\nfrom cti.migrate import upgrade\nupgrade(sys.argv[1])\n"
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", script, sql_url], capture_output=True
    )
    assert done.returncode == 0, done.stderr
    engine: AsyncEngine = open_database(sql_url)
    made: async_sessionmaker[Any] = sessions(engine)
    try:
        async with made.begin() as session:
            access.record(session, "somebody", "export", call_id(1), START, "to court")
        for statement in ("UPDATE recording_access SET who = 'nobody'", "DELETE FROM recording_access"):
            with pytest.raises(DBAPIError, match="recording_access is append-only"):
                async with made.begin() as session:
                    await session.execute(text(statement))
        async with made() as session:
            assert [row.who for row in await access.accesses(session)] == ["somebody"]
    finally:
        await engine.dispose()


async def test_keeping_works_on_every_database(database: str, tmp_path: Path) -> None:
    home = Home(tmp_path / "home", database)
    await asyncio.to_thread(record, home, 1)

    async def do(keeper: Keeper) -> None:
        assert await keeper.catch_up() == 0
        await keeper.hold(call_id(1), "court", "me", START)
        with pytest.raises(HeldError):
            await keeper.delete(call_id(1), "asked", "me", START)
        await keeper.hold(call_id(1), "", "me", START)
        assert await keeper.expire({"12319": 1}, "retention", START + 2 * DAY_US) == 1

    await home.work(do)
