"""The steps that install Debian's packages; only they need root."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from deploy.setup.failure import StepFailed
from deploy.setup.machine import RUN_PACKAGES, TEST_PACKAGES, as_root, missing_packages, program
from deploy.setup.place import Place
from deploy.setup.step import Step, Task


def _step(name: str, what: str, wanted: Mapping[str, str]) -> Step:
    def inputs(place: Place) -> Iterable[tuple[str, bytes]]:
        return [(package, pattern.encode()) for package, pattern in wanted.items()]

    def missing(place: Place) -> str:
        return ", ".join(missing_packages(wanted))

    def work(task: Task) -> None:
        packages = missing_packages(wanted)
        if packages:
            _install(task, packages)
        if still := missing_packages(wanted):
            raise StepFailed(
                f"installed, but what they are for is not found: {' '.join(still)}; is PATH complete?"
            )

    return Step(name, what, inputs, missing, work)


def _install(task: Task, packages: tuple[str, ...]) -> None:
    """Install packages by apt.sh. Raises StepFailed, telling what an administrator would have to do."""
    by_hand = f"apt-get install {' '.join(packages)}"
    if program("apt-get") is None:
        raise StepFailed(f"this is no Debian; install what has these packages there: {' '.join(packages)}")
    root = as_root()
    if root is None:
        raise StepFailed(f"this user may not install packages; as root: {by_hand}")
    script = task.place.checkout / "deploy" / "setup" / "apt.sh"
    task.commands.run([*root, "sh", script, *packages], f"see whether '{by_hand}' works by hand")


SYSTEM = _step("system", "system packages", RUN_PACKAGES)
SYSTEM_TESTS = _step("system-tests", "system packages that only tests need", TEST_PACKAGES)
