"""Puts a city into force on a running platform, as a whole or not at all, while its calls go on.

The order is the one in which nothing refers to what is not there yet: seats' passwords and Asterisk's files,
the copy that processes start with, Asterisk's reload, then every process of ours. Each step may be done again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from redis.exceptions import RedisError

from config import City, ConfigError, load
from config.changes import Change, changes, need_restart
from config.paths import Paths
from cti import asterisk, files, inforce, live, secrets
from cti.app.following import Taken, announce, taken
from ivr.prompts.of_city import unspeakable, without_clip

RELOADS: Final = (
    "module reload res_pjsip.so",
    "module reload res_pjsip_endpoint_identifier_ip.so",
    "queue reload all",
    "dialplan reload",
)
"""What Asterisk is told; it looks itself which of the files differ from what it has."""
RELOAD_SECONDS: Final = 20.0
TAKE_SECONDS: Final = 15.0
_LOOK_SECONDS: Final = 0.02


class NotApplied(Exception):
    """Nothing, or not all, was put into force; `lines` say why and what to do, for a person."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


@dataclass(frozen=True, slots=True)
class Applied:
    """What came into force: the city, how it differs from the one before, which processes have it."""

    city: City
    changes: tuple[Change, ...]
    has_it: tuple[str, ...]


async def apply(paths: Paths) -> Applied:
    """Check the city in `paths.config_dir` and put it into force. Raises ConfigError and NotApplied.

    With either nothing has changed, unless the text of NotApplied says so.
    """
    city = load(paths.config_dir)
    before = _before(paths)
    problems = [*unspeakable(city), *without_clip(city, paths), *need_restart(before, city)]
    if problems:
        raise ConfigError(problems)
    with files.held(paths.run / "apply.lock", _busy):
        try:
            known = secrets.ensure(paths.secrets, (seat.ext for seat in city.seats))
            asterisk.write_config(city, paths, known)
            generation = inforce.put(paths, city)
        except (asterisk.AsteriskMissing, secrets.SecretsError) as error:
            raise NotApplied(str(error)) from error
        except OSError as error:
            raise NotApplied(
                f"{error.filename}: {error.strerror} - let the platform's user write it"
            ) from error
        for command in RELOADS:
            await _reload(paths, command)
        has_it = await _tell(city, paths, generation)
    return Applied(city, changes(before, city), has_it)


def _before(paths: Paths) -> City:
    folder = inforce.folder(paths)
    if folder is None:
        raise NotApplied(f"no platform was ever started in {paths.home}: yht up takes the city as it is")
    return load(folder)


def _busy() -> NotApplied:
    return NotApplied("somebody else is applying a configuration just now; try again")


async def _reload(paths: Paths, command: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *asterisk.command(paths, "-rx", command),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), RELOAD_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
        said = b"no answer"
    text = " ".join(said.decode(errors="replace").split())
    if process.returncode != 0 or "fail" in text.lower():
        raise NotApplied(
            f"Asterisk did not take it ({command}: {text[:200] or 'no answer'}); the files are written: "
            "see yht status, then apply again"
        )


async def _tell(city: City, paths: Paths, generation: str) -> tuple[str, ...]:
    """Tell every process; return who has it. Raises NotApplied where one has not."""
    try:
        async with live.connect(city, paths) as redis:
            await announce(redis, generation)
            deadline = asyncio.get_running_loop().time() + TAKE_SECONDS
            while True:
                said = await taken(redis)
                late = [one for one in said if one.generation != generation]
                if not late or asyncio.get_running_loop().time() > deadline:
                    break
                await asyncio.sleep(_LOOK_SECONDS)
    except (RedisError, OSError) as error:
        raise NotApplied(
            f"Redis is away ({error}), so no engine was told; Asterisk has it: see yht status, then apply again"
        ) from error
    if late:
        raise NotApplied(*map(_late, late))
    return tuple(one.who for one in said)


def _late(one: Taken) -> str:
    return f"{one.who} has not taken it ({one.error or 'it does not answer'}); see its log, then apply again"
