"""The rules of the safety task: reads safety signs for exits, fire equipment, warnings and bans.

A sign is no hazard. A row states the sign and its requirement; text cannot show whether that is met (a free exit, an
extinguisher in its place), so `status` is `unclear` and `hazard` null.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pixel_agent.core import Draft, Row, Severity, Source, TextLine
from pixel_agent.tasks.rules.date_words import normalise
from pixel_agent.tasks.rules.page import Page


@dataclass(frozen=True, slots=True)
class _Sign:
    sign: str
    words: str
    zh: str
    en: str


# The first sign whose words match a part of the text takes it. Words are normalised (upper case, half width, no spaces
# between Chinese characters); Latin words need word boundaries.
_SIGNS: Final = (
    _Sign(
        "keep_exit_clear",
        "(?:消防|安全|疏散|逃生|救生|应急|緊急)(?:通道|出口|楼梯|登高面)(?:门前|前|处|内)?[,.!:]?(?:请勿|禁止|严禁|不得|勿|切勿)"
        "(?:堵塞|占用|停车|堆放|锁闭|阻塞|堵|泊车)?|(?:禁止|严禁|请勿|勿)(?:堵塞|占用|阻塞|锁闭)|保持(?:消防|安全|疏散)?通道?(?:畅通|通畅)"
        "|KEEP(?:EXIT|AISLE|FIREEXIT)?CLEAR|DONOT(?:BLOCK|OBSTRUCT)(?:EXIT|DOOR)?|FIRELANE",
        "检查通道和出口是否畅通",
        "Check that the way out is clear.",
    ),
    _Sign(
        "fire_door",
        "常闭(?:式)?防火门|防火门|防火卷帘|FIREDOOR",
        "检查防火门是否关闭、卷帘下方是否无杂物",
        "Check that the fire door is shut and free.",
    ),
    _Sign(
        "extinguisher",
        "灭火器|滅火器|灭火毯|FIREEXTINGUISHER|FIREBLANKET",
        "检查灭火器是否在位、有效、无遮挡",
        "Check that the extinguisher is there, in date and free.",
    ),
    _Sign(
        "hydrant",
        "消火栓|消防栓|消防水带|水泵接合器|FIREHYDRANT|FIREHOSE(?:REEL)?",
        "检查消火栓前方是否无遮挡",
        "Check that nothing stands before the hydrant.",
    ),
    _Sign(
        "fire_alarm",
        "火警(?:报警|按钮|电话)|手动报警|消防报警|报警按钮|烟感|FIREALARM|FIREPOINT|火警119|119",
        "检查报警按钮是否可及",
        "Check that the alarm can be reached.",
    ),
    _Sign(
        "evacuation_plan",
        "疏散(?:示意|路线|指示|平面)图|疏散路线|逃生(?:路线|示意|线路)图|ESCAPEROUTE(?:MAP|PLAN)?|EVACUATION(?:PLAN|MAP|ROUTE)|EMERGENCYESCAPE",
        "核对疏散图与现场是否一致",
        "Check the plan against the place.",
    ),
    _Sign(
        "assembly_point",
        "(?:紧急|应急|疏散)?集合点|应急避难场所|ASSEMBLYPOINT|MUSTERPOINT",
        "检查集合点是否无占用",
        "Check that the assembly point is free.",
    ),
    _Sign(
        "exit",
        "(?:安全|紧急|緊急|太平|疏散|逃生|应急)(?:出口|门|通道|楼梯)|太平梯|消防通道|非常口|(?:EMERGENCY|FIRE)?EXIT(?:ONLY)?|SALIDA|SORTIE(?:DESECOURS)?|NOTAUSGANG|ISSUEDESECOURS",
        "检查出口是否畅通、门能否打开",
        "Check that the exit is free and opens.",
    ),
    _Sign(
        "emergency_light",
        "应急(?:照明|灯)|EMERGENCYLIGHT",
        "检查应急灯是否能亮",
        "Check that the emergency light works.",
    ),
    _Sign(
        "emergency_gear",
        "急救箱|急救包|应急物资|应急锤|安全锤|破窗器|应急开门|紧急(?:按钮|停止|开关)|AED|FIRSTAID|EMERGENCY(?:HAMMER|STOP|BUTTON|DOOR)|BREAKPOINT|BREAKGLASS|击破点",
        "检查应急用品是否在位",
        "Check that the gear is there.",
    ),
    _Sign(
        "no_smoking",
        "(?:禁止|严禁|请勿|嚴禁)(?:吸烟|吸煙|抽烟)|禁烟(?!火)|无烟(?:区|场所)|NOSMOKING|SMOKEFREE",
        "检查是否有人吸烟、有无烟头",
        "Look for smoking and butts.",
    ),
    _Sign(
        "no_open_fire",
        "(?:禁止|严禁|嚴禁|请勿)(?:明火|烟火|煙火|用火|动火|放易燃物|燃放)|易燃(?:易爆|物品?)?|NO(?:OPEN)?(?:FIRE|FLAMES?)|FLAMMABLE",
        "检查有无明火和易燃物",
        "Look for open fire and things that burn.",
    ),
    _Sign(
        "wet_floor",
        "小心(?:地)?滑|小心滑倒|小心地面湿滑|地面?湿?滑|当心滑倒|WETFLOOR|SLIPPERY|CAUTIONWET",
        "检查地面是否积水湿滑",
        "Check the floor for water.",
    ),
    _Sign(
        "electric_hazard",
        "有电危险|当心触电|小心有电|高压危险|配电箱|HIGHVOLTAGE|ELECTRIC(?:AL)?(?:SHOCK|HAZARD)",
        "检查配电箱是否关闭、无杂物",
        "Check that the electric box is shut and free.",
    ),
    _Sign(
        "no_parking",
        "(?:禁止|严禁|请勿|不准)(?:停车|停放|泊车|停放车辆)|NOPARKING",
        "检查门前是否有车辆停放",
        "Look for parked vehicles.",
    ),
    _Sign(
        "no_entry",
        "(?:闲人|非工作人员|顾客|游客)(?:免进|止步|勿入|请勿入内|禁止入内|莫入)|禁止(?:入内|进入|通行)|NOENTRY|STAFFONLY|AUTHORI[SZ]EDPERSONNEL|EMPLOYEESONLY|DONOTENTER",
        "检查区域是否关闭",
        "Check that the area is shut off.",
    ),
    _Sign(
        "caution",
        "小心(?:台阶|碰头|玻璃|烫|高温|烫伤|夹手|障碍)|当心(?:烫伤|机械伤人|夹手|跌落|坠落|台阶|碰头)|注意(?:安全|台阶|脚下|高温)|高温(?:危险|烫伤)|MINDYOURSTEP|WATCHYOURSTEP|MINDYOURHEAD|HOTSURFACE|CAUTION|WARNING|DANGER",
        "按标识检查风险点",
        "Check the spot that the sign warns of.",
    ),
)
_COMPILED: Final = tuple((sign, re.compile(sign.words)) for sign in _SIGNS)


def read_signs(page: Page) -> Draft:
    """One item for each sign read: `sign`, `evidence` (its text), `action` (what to check), `severity` info.

    The rows are items, not findings: a finding of a safety check reports a hazard, and no text proves one.
    """
    groups: list[tuple[_Sign, list[TextLine]]] = []
    for line in page.lines:
        for sign in _signs(line.text):
            near = (lines for same, lines in groups if same is sign and any(_adjoins(line, other) for other in lines))
            group = next(near, None)
            if group is None:
                groups.append((sign, [line]))
            else:
                group.append(line)
    return Draft(items=tuple(_row(sign, lines, page) for sign, lines in groups))


def _adjoins(line: TextLine, other: TextLine) -> bool:
    """Whether two lines that name the same sign, often in two languages, are on one plate."""
    a, b = line.box, other.box
    reach = 1.5 * min(a[3] - a[1], b[3] - b[1])
    return max(a[0] - b[2], b[0] - a[2], a[1] - b[3], b[1] - a[3]) <= reach


def _signs(text: str) -> list[_Sign]:
    # Spaces are removed, so boundaries of Latin words come from the text with spaces.
    plain = normalise(text)[0]
    packed = re.sub(r"\s+", "", plain)
    found: list[tuple[int, _Sign]] = []
    for sign, pattern in _COMPILED:
        match = pattern.search(packed)
        if match and _stands_alone(plain, match[0]):
            found.append((match.start(), sign))
            packed = packed[: match.start()] + "\0" * len(match[0]) + packed[match.end() :]
    return [sign for _, sign in sorted(found, key=lambda pair: pair[0])]


def _stands_alone(plain: str, words: str) -> bool:
    """Whether Latin words and numbers are not parts of longer ones; Chinese needs no spaces."""
    loose = r"\s*".join(re.escape(sign) for sign in words)
    before = r"(?<![A-Z])" if re.match(r"[A-Z]", words) else r"(?<!\d)" if words[0].isdigit() else ""
    after = r"(?![A-Z])" if re.search(r"[A-Z]$", words) else r"(?!\d)" if words[-1].isdigit() else ""
    return re.search(before + loose + after, plain) is not None


def _row(sign: _Sign, lines: list[TextLine], page: Page) -> Row:
    boxes = [line.box for line in lines]
    return Row(
        {
            "hazard": None,
            "sign": sign.sign,
            "status": "unclear",
            "severity": Severity.INFO.value,
            "evidence": "\n".join(line.text.strip() for line in lines),
            "action": sign.zh if page.lang == "zh" else sign.en,
        },
        bbox=(min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)),
        source=Source.TEXT,
        confidence=min(line.confidence for line in lines),
    )
