"""Turns into a supervised process: a session of its own, its output in a file, then the program itself.

Run by path with nothing but the standard library, so that it costs some ten milliseconds. A session of its own
keeps Ctrl-C in the terminal of `yht up` from the children, which are stopped in order; a file instead of a
pipe keeps them from writing to nobody when the supervisor was killed. The file starts anew with the process;
what is worth keeping is in its log, and its last words in the supervisor's.

    python -IS child.py OUTPUT PROGRAM [ARGUMENT...]
"""

import os
import sys


def main(arguments: list[str]) -> None:
    """Become the program; exits with 127 where there is none."""
    output, *command = arguments
    os.setsid()
    written = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_TRUNC, 0o640)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (written, 1), (written, 2)):
        os.dup2(source, target)
    try:
        os.execvp(command[0], command)  # noqa: S606 - an argument list, no shell
    except OSError as error:
        os.write(2, f"{command[0]} can not be started: {error.strerror}\n".encode())
        os._exit(127)


if __name__ == "__main__":
    main(sys.argv[1:])
