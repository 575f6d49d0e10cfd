"""The step that installs Debian's packages, and only it needs root."""

from __future__ import annotations

from collections.abc import Iterable

from deploy.setup.failure import StepFailed
from deploy.setup.machine import PACKAGES, as_root, missing_packages, program
from deploy.setup.place import Place
from deploy.setup.step import Step, Task


def _inputs(place: Place) -> Iterable[tuple[str, bytes]]:
    return [(name, package.encode()) for name, package in PACKAGES.items()]


def _missing(place: Place) -> str:
    return ", ".join(missing_packages(PACKAGES))


def _work(task: Task) -> None:
    packages = missing_packages(PACKAGES)
    if not packages:
        return
    by_hand = f"apt-get install {' '.join(packages)}"
    if program("apt-get") is None:
        raise StepFailed(f"this is no Debian; install what has these packages there: {' '.join(packages)}")
    root = as_root()
    if root is None:
        raise StepFailed(f"this user may not install packages; as root: {by_hand}")
    script = task.place.checkout / "deploy" / "setup" / "apt.sh"
    task.commands.run([*root, "sh", script, *packages], f"see whether '{by_hand}' works by hand")
    if still := missing_packages(PACKAGES):
        raise StepFailed(f"{' '.join(still)} installed well but brought no program; is PATH complete?")


SYSTEM = Step("system", "system packages", _inputs, _missing, _work)
