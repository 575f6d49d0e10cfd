"""A robot in a process of its own: pjsua2 allows one telephone a process."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from config.paths import Paths
from cti.app.supervisor.parts import yht_command

STOP_SECONDS = 15.0
MAX_LINE = 1 << 20

OnEvent = Callable[[str, str], None]
"""Is told what happens: the kind of event, its detail (desk.robot.Watcher)."""


class RobotProcess:
    """One robot that plays a script; made by `start`."""

    def __init__(self, process: asyncio.subprocess.Process, on_event: OnEvent) -> None:
        self._process = process
        self._on_event = on_event
        self._over = asyncio.create_task(self._follow())

    @classmethod
    async def start(cls, paths: Paths, script: Path, on_event: OnEvent) -> RobotProcess:
        """Start a robot on the script in a file."""
        process = await asyncio.create_subprocess_exec(
            *yht_command(paths, "robot", str(script), "--follow"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=MAX_LINE,
            start_new_session=True,  # Ctrl-C is ours to tell, so that agents are signed out in order
        )
        return cls(process, on_event)

    async def _follow(self) -> dict[str, Any]:
        """Pass on what happens; return the report. One that has none is made of the robot's last words."""
        assert self._process.stdout is not None  # noqa: S101 (a pipe was asked for)
        assert self._process.stderr is not None  # noqa: S101
        report: dict[str, Any] | None = None
        async for line in self._process.stdout:
            told = json.loads(line)
            if "report" in told:
                report = told["report"]
            else:
                self._on_event(told["event"], told["detail"])
        said = (await self._process.stderr.read()).decode(errors="replace").split("\n")
        code = await self._process.wait()
        last = next(
            (text.removeprefix("yht: ") for text in reversed(said) if text.strip()), f"exit code {code}"
        )
        return report if report is not None else {"ok": False, "failure": last}

    async def report(self) -> dict[str, Any]:
        """Wait for the robot's end; return what it found (desk.robot.Report.as_json)."""
        return await asyncio.shield(self._over)

    @property
    def over(self) -> asyncio.Task[dict[str, Any]]:
        """Is done when the robot is."""
        return self._over

    def cue(self, name: str) -> None:
        """Give the robot a sign; one that is gone needs none."""
        if self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(f"{name}\n".encode())

    async def stop(self) -> None:
        """Let the robot hang up, sign out and go; kill it if it does not."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(asyncio.shield(self._over), STOP_SECONDS)
        except TimeoutError:
            self._process.kill()
            await self._over
