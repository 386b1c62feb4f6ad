"""The tasks without a subject of their own: text, codes, photo quality, and the user's own question."""

from __future__ import annotations

from dataclasses import replace

from pydantic import JsonValue

from pixel_agent.core import Capability, Code, Draft, FinishContext, Notice, Quality, Reading, Row, Source, Task
from pixel_agent.tasks.codes import describe
from pixel_agent.tasks.columns import CODE_DETAILS
from pixel_agent.tasks.finishing import Noun, advise, compose, counts, edit, say, text
from pixel_agent.tasks.forms import TEXT, Field, Form, Rows
from pixel_agent.tasks.rules.in_store import COUNTRIES

_LINES = Noun("行文字", "line of text", "lines of text")
_CODES = Noun("个条码", "code", "codes")

_TEXT_FORM = Form(
    (Rows("lines", (Field("text", TEXT, "这一行的文字，逐字抄写", "the line, word for word"),), limit=120),)
)
_ASK_FORM = Form(
    (
        Field(
            "answer",
            TEXT,
            "用中文直接回答，看不出来就填 null",
            "a direct answer in English, null if the photo cannot tell",
        ),
        Rows("evidence", (Field("text", TEXT, "支持答案的所见", "what in the photo supports it"),), limit=10),
    )
)


def finish_text(draft: Draft, facts: FinishContext) -> Reading:
    """The lines of text as read, one item each."""
    rows = [row for row in draft.items if text(row.fields.get("text"))]
    totals: dict[str, JsonValue] = {
        "lines": len(rows),
        "characters": sum(len(text(row.fields.get("text"))) for row in rows),
    }
    return compose(draft, facts, [(_LINES, len(rows))], items=rows, findings=draft.findings, totals=totals)


def finish_codes(draft: Draft, facts: FinishContext) -> Reading:
    """One item for each code that was read, and a warning if one is unproven; a model's words on codes are ignored."""
    rows = [_coded(code, facts) for code in facts.codes]
    totals: dict[str, JsonValue] = {
        "codes": len(rows),
        "with_gtin": sum(code.gtin is not None for code in facts.codes),
        "by_symbology": counts(rows, "symbology"),
    }
    warnings = [] if all(code.proven for code in facts.codes) else [_without_proof(facts)]
    return compose(
        replace(draft, summary=""), facts, [(_CODES, len(rows))], items=rows, totals=totals, warnings=warnings
    )


def finish_photo(draft: Draft, facts: FinishContext) -> Reading:
    """One item with the photo's measurements and advice based on them."""
    quality = facts.quality
    advice = quality.advice if quality else ()
    fields: dict[str, JsonValue] = {
        "blur": None,
        "exposure": None,
        "glare": None,
        "tilt": None,
        **(_measured(quality) if quality else {}),
        "resolution": {"width": facts.width, "height": facts.height},
        "duplicate_of": facts.duplicate_of,
        "advice": [notice.message for notice in advice],
    }
    verdict = say(facts, "照片可用。", "The photo can be used.")
    if quality is None:
        verdict = say(facts, "未做拍摄质检。", "The photo was not measured.")
    elif not quality.readable:
        verdict = say(facts, "建议重拍。", "Please take the photo again.")
    elif advice:
        verdict = say(facts, "照片能识读，但不够理想。", "The photo can be read, but could be better.")
    summary = " ".join([verdict, *(notice.message for notice in advice)])
    item = Row(fields, source=Source.RULE)
    return compose(replace(draft, summary=summary), facts, [], items=[item], totals={"advice": len(advice)})


def finish_answer(draft: Draft, facts: FinishContext) -> Reading:
    """The answer as the first row, then the rows that support it."""
    answer = text(draft.extra.get("answer")) or draft.summary.strip()
    if not answer:
        warning = Notice("no_answer", say(facts, "照片看不出答案。", "The photo does not tell the answer."))
        return compose(draft, facts, [], items=draft.items, findings=draft.findings, warnings=[warning])
    evidence = [edit(row, kind="evidence") for row in draft.items]
    rows = [Row({"kind": "answer", "answer": answer}), *evidence]
    return compose(
        replace(draft, summary=answer),
        facts,
        [],
        items=rows,
        findings=draft.findings,
        totals={"evidence": len(evidence)},
    )


def _coded(code: Code, facts: FinishContext) -> Row:
    row = Row(describe(code, facts), code.box, Source.BARCODE)
    return row if code.proven else advise(row)


def _without_proof(facts: FinishContext) -> Notice:
    zh = "Codabar 条码没有校验位，请核对数字。"
    en = "A Codabar has no check digit; please compare its digits with the print."
    return Notice("code_without_proof", say(facts, zh, en))


def _measured(quality: Quality) -> dict[str, JsonValue]:
    return {
        "blur": {"sharpness": quality.sharpness},
        "exposure": {"brightness": quality.brightness, "contrast": quality.contrast},
        "glare": {"share": quality.glare},
        "tilt": {"degrees": quality.tilt_deg},
    }


TEXT_READ = Task(
    id="text_read",
    zh="文字识别",
    en="Read text",
    about_zh="逐行照原样抄写画面中的文字。",
    about_en="Copies the text of the photo line by line.",
    needs=frozenset({Capability.TEXT}),
    wants=frozenset(),
    schema=_TEXT_FORM.schema,
    prompt_zh=_TEXT_FORM.prompt("按阅读顺序逐行抄写图中全部文字。", "zh"),
    prompt_en=_TEXT_FORM.prompt("Copy all text of the photo line by line, in reading order.", "en"),
    finish=finish_text,
    pixel_budget=1280 * 1024,
    max_new_tokens=2048,
    columns=("text",),
)
CODE_READ = Task(
    id="code_read",
    zh="条码识别",
    en="Read codes",
    about_zh="读取条形码和二维码，含 GTIN 与 GS1 内容。",
    about_en="Reads barcodes and QR codes, with GTIN and GS1 content.",
    needs=frozenset({Capability.CODES}),
    wants=frozenset(),
    schema=Form().schema,
    prompt_zh=Form().prompt("本任务不需要模型。", "zh"),
    prompt_en=Form().prompt("This task needs no model.", "en"),
    finish=finish_codes,
    pixel_budget=1280 * 1024,
    max_new_tokens=16,
    columns=("symbology", "text", "gtin", "gs1", *CODE_DETAILS),
    options={"country": None},
    option_schema={"country": {"type": "string", "enum": [*COUNTRIES]}},
)
PHOTO_CHECK = Task(
    id="photo_check",
    zh="拍摄质检",
    en="Photo check",
    about_zh="检查清晰度、曝光、反光、倾斜和分辨率，并给出拍摄建议。",
    about_en="Checks sharpness, exposure, glare, tilt and resolution, and advises how to take the photo.",
    needs=frozenset(),
    wants=frozenset(),
    schema=Form().schema,
    prompt_zh=Form().prompt("本任务不需要模型。", "zh"),
    prompt_en=Form().prompt("This task needs no model.", "en"),
    finish=finish_photo,
    pixel_budget=512 * 1024,
    max_new_tokens=16,
    columns=("blur", "exposure", "glare", "tilt", "resolution", "duplicate_of", "advice"),
)
ASK = Task(
    id="ask",
    zh="自由提问",
    en="Ask",
    about_zh="回答关于照片的任意问题。",
    about_en="Answers any question about the photo.",
    needs=frozenset({Capability.LANGUAGE}),
    wants=frozenset(),
    schema=_ASK_FORM.schema,
    prompt_zh=_ASK_FORM.prompt("根据图片回答用户的问题，并给出看得见的依据。", "zh"),
    prompt_en=_ASK_FORM.prompt("Answer the user's question from the photo and give the visible evidence.", "en"),
    finish=finish_answer,
    pixel_budget=768 * 1024,
    max_new_tokens=512,
    needs_question=True,
    columns=("answer", "text"),
)
