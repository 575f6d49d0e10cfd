"""What is done for recordings beside the transcripts: put away what could not be, delete what is past its time."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from typing import Final

import structlog

from config import City, ConfigError, load
from config.paths import Paths
from cti import inforce, sql
from cti.clock import now_us
from recorder.keeping import Keeper
from recorder.vault.store import Vault

AGAIN_SECONDS: Final = 60.0
"""Between two looks for recordings that are not put away."""
EXPIRE_SECONDS: Final = 3600.0
"""Between two looks for recordings that are past their time."""
WHO: Final = "retention"

_log = structlog.get_logger(__name__)


def vault_of(city: City, paths: Paths) -> Vault:
    """Return the vault of a platform."""
    return Vault(paths.recordings, paths.secrets, city.platform.recordings.store or "")


def retention(city: City) -> Mapping[str, int]:
    """Return for how many days each hotline keeps recordings, of those that name it."""
    return {hotline.id: days for hotline in city.hotlines if (days := hotline.retention_days) is not None}


async def upkeep(keeper: Keeper, paths: Paths, stop: asyncio.Event) -> None:
    """Look after recordings until `stop` is set; what goes wrong is told and tried again."""
    next_expiry = 0.0
    while not stop.is_set():
        try:
            if done := await keeper.catch_up():
                _log.info("recordings_put_away", count=done)
            if time.monotonic() >= next_expiry:
                next_expiry = time.monotonic() + EXPIRE_SECONDS
                await _expire(keeper, paths)
        except sql.AWAY as error:
            _log.warning("upkeep_failed", error=" ".join(str(error).split())[:300])
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), AGAIN_SECONDS)


async def _expire(keeper: Keeper, paths: Paths) -> None:
    """By the city that is in force now: a time that was made longer holds at once."""
    try:
        city = await asyncio.to_thread(load, inforce.folder(paths) or paths.config_dir)
    except ConfigError as error:
        _log.warning("retention_unknown", error=str(error.problems[0]))
        return
    days = retention(city)
    while done := await keeper.expire(days, WHO, now_us()):
        _log.info("recordings_expired", count=done)
