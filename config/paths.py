"""Where everything lies: the only place in the platform where file names are made (docs/seams.md, "Paths")."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
"""The folder that this copy of the platform runs from."""


@dataclass(frozen=True, slots=True)
class Paths:
    """The folders of one running platform.

    `home` is its state, `config_dir` the city, `checkout` the code, `opt` what set-up made and any number of
    homes share. All are absolute.
    """

    home: Path
    config_dir: Path
    checkout: Path
    opt: Path

    @classmethod
    def find(
        cls,
        home: Path | None = None,
        config_dir: Path | None = None,
        environment: Mapping[str, str] = os.environ,
    ) -> Paths:
        """Return the paths that options, else the environment, else the checkout name."""

        def pick(option: Path | None, variable: str, default: Path) -> Path:
            named = environment.get(variable, "")
            return (option or (Path(named) if named else default)).expanduser().resolve()

        return cls(
            home=pick(home, "YHT_HOME", CHECKOUT / "var"),
            config_dir=pick(config_dir, "YHT_CONFIG", CHECKOUT / "config" / "sample_city"),
            checkout=CHECKOUT,
            opt=pick(None, "YHT_OPT", CHECKOUT / "var" / "opt"),
        )

    # What set-up makes

    @property
    def asterisk_tree(self) -> Path:
        """Debian's Asterisk, unpacked, where none is installed."""
        return self.opt / "asterisk"

    @property
    def prompts(self) -> Path:
        """Built prompts, one folder a voice."""
        return self.opt / "prompts"

    @property
    def models(self) -> Path:
        """Speech models, one folder each."""
        return self.opt / "models"

    @property
    def music(self) -> Path:
        """What waiting citizens hear."""
        return self.opt / "music"

    @property
    def stamps(self) -> Path:
        """One `<step>.done` for each step of set-up, holding a hash of its inputs."""
        return self.opt / "setup"

    def prompt(self, voice: str, language: str, prompt_id: str) -> Path:
        """Return a built prompt as Asterisk is told of it: without its ending."""
        return self.prompts / voice / language / prompt_id

    # What one platform writes

    @property
    def etc_asterisk(self) -> Path:
        """Generated files of Asterisk, mode 0600."""
        return self.home / "etc" / "asterisk"

    @property
    def city_in_force(self) -> Path:
        """A link to the copy of the city's files that is in force (cti.inforce)."""
        return self.home / "etc" / "city"

    @property
    def run(self) -> Path:
        """Pid files, sockets, the supervisor's state."""
        return self.home / "run"

    @property
    def redis_socket(self) -> Path:
        """The private Redis."""
        return self.run / "redis.sock"

    @property
    def supervisor_state(self) -> Path:
        """What `yht status` reads."""
        return self.run / "supervisor.json"

    @property
    def log(self) -> Path:
        """One file a process."""
        return self.home / "log"

    @property
    def journal(self) -> Path:
        """Asterisk's own record of every channel."""
        return self.home / "journal" / "calls.json"

    @property
    def recordings(self) -> Path:
        """Recordings, YYYY/MM/DD/<call_id>."""
        return self.home / "recordings"

    @property
    def database(self) -> Path:
        """The default SQL database."""
        return self.home / "db" / "yihaotong.sqlite3"

    @property
    def secrets(self) -> Path:
        """Made at first start, mode 0600."""
        return self.home / "secrets"

    @property
    def callbacks(self) -> Path:
        """Callback requests that the fallback script took."""
        return self.home / "callbacks"

    @property
    def bench(self) -> Path:
        """What `make bench` writes."""
        return self.home / "bench"
