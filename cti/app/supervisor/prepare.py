"""What must be right and in place before the first process is started; each fault is one line for a person."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from redis.exceptions import RedisError

from config import City, ConfigError
from config.paths import Paths
from cti import asterisk, inforce, live, migrate, secrets, sql
from cti.app.supervisor import parts, ports

ANSWER_SECONDS = 5.0


class NotPrepared(Exception):
    """The platform can not start; `lines` say why, each naming the place, the fault and the remedy."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


async def prepare(city: City, paths: Paths) -> None:
    """Check the ports and the neighbours, then write secrets, Asterisk's files and the tables. Raises NotPrepared.

    Nothing is written before every check has passed.
    """
    if lines := ports.double(claims := ports.claims(city.platform, city.places)) or ports.taken(claims):
        raise NotPrepared(*lines)
    if city.platform.redis.url is None:
        if shutil.which("redis-server") is None:
            raise NotPrepared("redis-server is not installed - run: make setup")
    else:
        await _reach_redis(city, paths)
    try:
        for folder in (paths.run, paths.log, paths.database.parent, parts.redis_folder(paths)):
            _private(folder)
        known = secrets.ensure(paths.secrets, (seat.ext for seat in city.seats))
        asterisk.write_config(city, paths, known)
        inforce.put(paths, city)
    except (asterisk.AsteriskMissing, secrets.SecretsError) as error:
        raise NotPrepared(str(error)) from error
    except ConfigError as error:
        raise NotPrepared(*map(str, error.problems)) from error
    except OSError as error:
        raise NotPrepared(f"{error.filename}: {error.strerror} - name another home with --home") from error
    await _tables(city, paths)


def _private(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o750)


async def _reach_redis(city: City, paths: Paths) -> None:
    try:
        async with asyncio.timeout(ANSWER_SECONDS), live.connect(city, paths) as redis:
            await redis.ping()
    except (RedisError, OSError, TimeoutError) as error:
        place = city.places.get("platform.redis.url", "platform.yaml")
        reason = str(error) or "no answer"
        raise NotPrepared(
            f"{place}: redis.url: that Redis can not be used ({reason})"
            " - start it, or remove the line to have a private one"
        ) from error


async def _tables(city: City, paths: Paths) -> None:
    url = sql.database_url(paths.database, city.platform.database.url)
    try:
        await asyncio.to_thread(migrate.upgrade, url)
    except sql.AWAY as error:
        place = city.places.get("platform.database.url", str(paths.database))
        reason = " ".join(str(getattr(error, "orig", None) or error).split())[:200]
        raise NotPrepared(f"{place}: that database can not be used ({reason})") from error
