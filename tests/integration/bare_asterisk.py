"""A private Asterisk with nothing but AMI, AGI and Local channels: for the parts that need no SIP.

It runs the tree or the installed Asterisk that set-up leaves, on free ports and on files of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from tests.ports import free_port

CHECKOUT = Path(__file__).resolve().parents[2]
SECRET = "only-for-this-test"
MODULES = (
    "res_timing_timerfd",
    "codec_alaw",
    "codec_ulaw",
    "format_pcm",
    "format_wav",
    "res_musiconhold",
    "res_speech",
    "res_agi",
    "res_clioriginate",
    "app_playback",
    "app_senddtmf",
    "app_stack",
    "app_exec",
    "app_userevent",
    "app_verbose",
    "func_callerid",
    "func_channel",
    "func_logic",
    "func_strings",
    "bridge_simple",
    "pbx_config",
)


class NoAsterisk(Exception):
    """Neither installed nor under the set-up's folder."""


def program() -> tuple[list[str], Path, Path]:
    """Return how Asterisk is run, its folder of modules and its folder of data."""
    tree = Path(os.environ.get("YHT_OPT", CHECKOUT / "var/opt")) / "asterisk"
    installed = shutil.which("asterisk", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if installed:
        modules = next(Path("/usr/lib").glob("*/asterisk/modules"))
        return [installed], modules, Path("/usr/share/asterisk")
    loaders = sorted(tree.glob("usr/lib/*-linux-gnu*/ld-linux-*.so.*"))
    if not loaders:
        raise NoAsterisk(f"no Asterisk is installed and {tree} holds none; run 'make setup'")
    library = loaders[0].parent
    command = [str(loaders[0]), "--library-path", str(library), str(tree / "usr/sbin/asterisk")]
    return command, library / "asterisk/modules", tree / "usr/share/asterisk"


class BareAsterisk:
    """One private Asterisk; `dialplan` is the text of its extensions.conf."""

    def __init__(self, home: Path, dialplan: str, sounds: Mapping[str, bytes] | None = None) -> None:
        self.home = home
        self.ami_port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._command, modules, data = program()
        for folder in ("etc", "lib/sounds", "lib/agi", "log", "run", "spool/tmp"):
            (home / folder).mkdir(parents=True, exist_ok=True)
        for name, content in (sounds or {}).items():
            (home / "lib/sounds" / name).write_bytes(content)
        self._write(
            "asterisk.conf",
            f"""[directories](!)
[directories]
astetcdir => {home}/etc
astmoddir => {modules}
astvarlibdir => {home}/lib
astdbdir => {home}/lib
astkeydir => {home}/lib
astdatadir => {data}
astagidir => {home}/lib/agi
astspooldir => {home}/spool
astrundir => {home}/run
astlogdir => {home}/log
[options]
systemname = t1
nocolor = yes
""",
        )
        self._write("modules.conf", "[modules]\nautoload=no\n" + "".join(f"load = {m}.so\n" for m in MODULES))
        self._write("logger.conf", "[logfiles]\nfull => notice,warning,error,verbose\n")
        self._write("extensions.conf", dialplan)
        self._write(
            "manager.conf",
            f"""[general]
enabled = yes
bindaddr = 127.0.0.1
port = {self.ami_port}
[yht]
secret = {SECRET}
read = system,call,user
write = system,call,originate,reporting,command,user
""",
        )

    def _write(self, name: str, text: str) -> None:
        (self.home / "etc" / name).write_text(text)

    def start(self) -> None:
        """Start it and wait until its modules are loaded."""
        self.process = subprocess.Popen(
            [*self._command, "-C", str(self.home / "etc/asterisk.conf"), "-f", "-g"],
            stdin=subprocess.DEVNULL,
            stdout=(self.home / "log/stdout").open("ab"),
            stderr=subprocess.STDOUT,
            cwd=self.home,
        )
        deadline = time.monotonic() + 30
        while "fully booted" not in self.run("core waitfullybooted"):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError((self.home / "log/stdout").read_text()[-2000:])

    def run(self, command: str) -> str:
        """Run one command of Asterisk's command line and return what it prints."""
        done = subprocess.run(
            [*self._command, "-C", str(self.home / "etc/asterisk.conf"), "-rx", command],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return done.stdout

    def log_text(self) -> str:
        """Return Asterisk's own log."""
        path = self.home / "log/full"
        return path.read_text(errors="replace") if path.exists() else ""

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None
