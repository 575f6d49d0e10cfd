"""Which folders set-up works on. The names are those of docs/seams.md; a test holds them to config.paths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Place:
    """The checkout, the folder of set-up's products, and the city whose prompts are built."""

    checkout: Path
    opt: Path
    city: Path

    @classmethod
    def find(cls, checkout: Path, environment: Mapping[str, str]) -> Place:
        """Return the folders that the environment (`YHT_OPT`, `YHT_CONFIG`), else the checkout names."""

        def pick(variable: str, default: Path) -> Path:
            named = environment.get(variable, "")
            return (Path(named) if named else default).expanduser().resolve()

        return cls(
            checkout=checkout,
            opt=pick("YHT_OPT", checkout / "var" / "opt"),
            city=pick("YHT_CONFIG", checkout / "config" / "sample_city"),
        )

    @property
    def venv(self) -> Path:
        """The virtual environment."""
        return self.checkout / ".venv"

    @property
    def python(self) -> Path:
        """The environment's Python."""
        return self.venv / "bin" / "python"

    @property
    def asterisk(self) -> Path:
        """Debian's Asterisk, unpacked."""
        return self.opt / "asterisk"

    @property
    def models(self) -> Path:
        """Speech models, one folder each."""
        return self.opt / "models"

    @property
    def music(self) -> Path:
        """What waiting citizens hear."""
        return self.opt / "music"

    @property
    def prompts(self) -> Path:
        """Built prompts, one folder a voice."""
        return self.opt / "prompts"

    @property
    def stamps(self) -> Path:
        """Stamps, logs and the lock of set-up."""
        return self.opt / "setup"
