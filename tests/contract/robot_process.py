"""One robot in a process of its own, for tests: its script comes as YAML, its report goes out as JSON.

Clips are made here, by name: `babble_<seed>_<milliseconds>`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import numpy as np

from desk.phone.sound import RATE
from desk.robot import Place, RobotError, parse_script, play


def babble(name: str) -> bytes:
    """Coloured noise in syllables, unlike any other of its kind."""
    _, seed, milliseconds = name.split("_")
    rng = np.random.default_rng(int(seed))
    noise = np.convolve(rng.normal(size=int(milliseconds) * RATE // 1000), np.ones(6) / 6, mode="same")
    wave = noise * (0.3 + np.abs(np.sin(np.arange(noise.size) / RATE * 2 * np.pi * 2.3)))
    return (wave / np.abs(wave).max() * 12000).astype(np.int16).tobytes()


async def main(address: str, port: str, platform: str, folder: str) -> int:
    """Play the script on standard input."""
    script = parse_script(sys.stdin.read(), Path(folder))
    clips = {name: babble(name) for name in script.clips}
    place = Place(address, platform, clips, recordings=Path(folder), port=int(port))
    try:
        report = await play(script, place)
    except RobotError as error:
        sys.stdout.write(json.dumps({"ok": False, "failure": str(error)}))
        return 1
    sys.stdout.write(json.dumps(report.as_json()))
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
