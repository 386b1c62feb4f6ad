"""Turns an engine's output into the checked reading: the last stage before the answer is stored.

A draft goes straight to the task's finishing function; a model's text is repaired and checked first. Unusable parts are
dropped with a warning; missing values are never invented.
"""

from __future__ import annotations

from dataclasses import replace

from pixel_agent.core import (
    Capability,
    Draft,
    EngineInfo,
    FinishContext,
    Lang,
    Notice,
    Output,
    Plan,
    Quality,
    Reading,
    Scan,
    Support,
    Task,
)
from pixel_agent.tasks.answers import MAX_TEXT, Answer, clean, parse_answer, takes_prose
from pixel_agent.tasks.listing import list_reading

MAX_PROSE = 8_000

MAX_QUOTE = 200
"""Most characters of a photo's text that a summary quotes."""
_MISSING: dict[Capability, tuple[str, str]] = {
    Capability.CODES: ("条码识别", "reading codes"),
    Capability.TEXT: ("文字识别", "reading text"),
    Capability.OBJECTS: ("物体识别", "recognising objects"),
    Capability.SCENE: ("场景理解", "understanding scenes"),
    Capability.LANGUAGE: ("语言问答", "answering in words"),
}


def read_output(output: Output, task: Task, facts: FinishContext, engine: EngineInfo, plan: Plan) -> Reading:
    """Return the reading of one output. Never raises for a model's text; `complete` is False if the answer was cut
    off or lost.
    """
    if output.lines and not facts.lines:
        facts = replace(facts, lines=output.lines)
    if output.draft is not None or not plan.runs:
        raw = clean("\n".join(line.text for line in output.lines), MAX_TEXT)
        reading = replace(task.finish(output.draft or Draft(), facts), raw_text=raw)
    elif engine.simulated:
        text = clean(output.text, MAX_TEXT)
        reading = Reading(summary=text, raw_text=text)
    else:
        reading = _read_text(output, task, facts)
    if plan.support is Support.PARTIAL:
        reading = _claim_less(reading, facts.lang)
    return replace(reading, warnings=(*reading.warnings, *_plan_notices(facts.lang, engine, plan)))


def retake(quality: Quality, lang: Lang) -> Reading:
    """The reading of a photo that must be taken again because nothing can be read."""
    summary = (
        "照片无法读取，请重新拍摄。" if lang == "zh" else "Nothing can be read on this photo; please take it again."
    )
    return Reading(summary=summary, warnings=quality.advice, complete=False)


def result_text(scan: Scan) -> str:
    """A reading as plain text: the model's own words if there is nothing else, else the rows in the scan's language.

    For `text_read` this is the printed lines and nothing else.
    """
    reading = scan.reading
    only_words = scan.engine.simulated or not reading.complete
    if reading.raw_text and (not (reading.items or reading.findings) if only_words else False):
        return reading.raw_text
    return list_reading(reading, scan.task.id, scan.spec.lang)


def _read_text(output: Output, task: Task, facts: FinishContext) -> Reading:
    raw = clean(output.text, MAX_TEXT)
    answer = parse_answer(output.text, task.schema, facts.width, facts.height) or _prose(raw, task)
    cut = output.finish_reason == "length" or len(output.text) > MAX_TEXT or (answer is not None and answer.cut)
    notices = [_notice(facts.lang, "truncated", "答案超长被截断，可能缺行。", "The answer was cut off.")] if cut else []
    if answer is None:
        notice = _notice(
            facts.lang,
            "unparseable",
            "模型的回答无法解析，已保留原文。",
            "The model's answer cannot be parsed; its text is kept.",
        )
        return Reading(raw_text=raw, warnings=(*notices, notice), complete=False)
    notices += _dropped(answer, facts.lang)
    draft = replace(answer.draft, warnings=(*answer.draft.warnings, *notices))
    lost = bool(answer.dropped_rows) and not (draft.items or draft.findings)
    return replace(task.finish(draft, facts), raw_text=raw, complete=not (cut or lost))


def _claim_less(reading: Reading, lang: Lang) -> Reading:
    """Set zero counts to null if the engine lacks a capability: what it cannot see is not proven absent."""
    totals = {name: None if type(value) is int and value == 0 else value for name, value in reading.totals.items()}
    if reading.items or reading.findings or reading.summary == reading.raw_text != "":
        return replace(reading, totals=totals)
    return replace(reading, totals=totals, summary=_only_text(reading.raw_text, lang))


def _only_text(raw: str, lang: Lang) -> str:
    """The summary if nothing was found; it quotes the text on the photo, if there is any."""
    if not raw:
        return "未读到可用内容。" if lang == "zh" else "Nothing usable was read."
    words = " / ".join(raw.split("\n"))
    words = words if len(words) <= MAX_QUOTE else f"{words[: MAX_QUOTE - 1]}…"
    return (
        f"未找到要找的内容；读到的文字：{words}" if lang == "zh" else f"Nothing asked for was found. It reads: {words}"
    )


def _prose(raw: str, task: Task) -> Answer | None:
    """An answer in plain words, for tasks that accept words; None for broken JSON."""
    words = raw.strip()[:MAX_PROSE]
    if not words or not takes_prose(task.schema) or words[0] in "{[`":
        return None
    return Answer(Draft(extra={"answer": words}))


def _dropped(answer: Answer, lang: Lang) -> list[Notice]:
    notices = []
    if rows := answer.dropped_rows:
        notices.append(
            _notice(lang, "rows_dropped", f"{rows} 行不合格式，已略去。", f"Rows left out as malformed: {rows}.")
        )
    if values := answer.dropped_values:
        notices.append(
            _notice(
                lang, "values_dropped", f"{values} 个值不合格式，已置空。", f"Values emptied as malformed: {values}."
            )
        )
    return notices


def _plan_notices(lang: Lang, engine: EngineInfo, plan: Plan) -> list[Notice]:
    notices = []
    if plan.support is Support.PARTIAL:
        words = [_MISSING[capability][lang == "en"] for capability in plan.missing]
        zh = f"当前引擎缺少{'、'.join(words)}，结果不完整。"
        en = f"The engine in use lacks {' and '.join(words)}, so the answer is partial."
        notices.append(_notice(lang, "partial_support", zh, en))
    if engine.simulated and plan.runs:
        zh, en = "这是模拟引擎的回答，不是真实识别结果。", "The simulated engine answered; nothing was recognised."
        notices.append(_notice(lang, "simulated", zh, en))
    return notices


def _notice(lang: Lang, code: str, zh: str, en: str) -> Notice:
    return Notice(code, zh if lang == "zh" else en)
