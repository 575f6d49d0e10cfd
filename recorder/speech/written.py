"""How a text is written in its language: Simplified characters, Chinese marks. Pure."""

from __future__ import annotations

import re

_MARKS = str.maketrans({",": "，", "?": "？", "!": "！", ";": "；", ":": "："})
_INSIDE_A_NUMBER = re.compile(r"(?<=\d)[，：](?=\d)")


def written(text: str, language: str) -> str:
    """Return a text as it is written in its language: Mandarin in Simplified characters, with Chinese marks."""
    if language != "zh":
        return text
    import zhconv

    converted: str = zhconv.convert(text, "zh-cn").translate(_MARKS)
    return _INSIDE_A_NUMBER.sub(lambda mark: "," if mark[0] == "，" else ":", converted)
