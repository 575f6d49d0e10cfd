"""Takes personal data out of a text before it is published: numbers, identity cards, mail, plates, names, rooms. Pure.

What it does not know stays; who publishes reads the text first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_SURNAMES: Final = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石"
    "廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤区麦"
)
_NARROW: Final = {
    wide: wide - 0xFEE0
    for span in ("０９", "ＡＺ", "ａｚ")
    for wide in range(ord(span[0]), ord(span[-1]) + 1)
}
"""Full-width digits and letters to plain ones; punctuation stays as it is."""
_RULES: Final = (
    (re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"), "（邮箱略）"),
    (re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)"), "（证件号略）"),
    (re.compile(r"(?<!\d)\d{13,19}(?!\d)"), "（号码略）"),
    (re.compile(r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2}(?!\d)"), "（电话略）"),
    (re.compile(r"(?<!\d)0\d{2,3}[- ]?\d{7,8}(?!\d)"), "（电话略）"),
    (re.compile(r"(?<!\d)[2-9]\d{6,7}(?!\d)"), "（电话略）"),
    (
        re.compile(
            r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z][·・ ]?[A-Z0-9]{5,6}"
        ),
        "（车牌略）",
    ),
    (
        re.compile(rf"(?:[{_SURNAMES}][\u4e00-\u9fff]{{0,2}}|[\u4e00-\u9fff])(?=先生|女士|小姐|同志|老师)"),
        "某",
    ),
    (
        re.compile(r"\d+\s*(?:栋|幢|座|单元|号楼)[\d一二三四五六七八九十-]*(?:单元)?[\d-]*(?:室|房|号)?"),
        "（门牌略）",
    ),
)


def masked(text: str, known: Iterable[str] = ()) -> str:
    """Return the text without personal data. `known` are the citizen's own numbers, whatever form they have."""
    found = text.translate(_NARROW)
    for number in sorted(filter(None, known), key=len, reverse=True):
        found = found.replace(number, "（电话略）")
    for pattern, instead in _RULES:
        found = pattern.sub(instead, found)
    return found
