"""Reads labels again if the first pass missed their dates: dot-matrix, glossy or curved print. Used by `engine`.

The detector takes separate dots for separate lines. A slight blur joins them and does not harm clear print.
"""

from __future__ import annotations

from typing import Final

from pixel_agent.core import Draft, Job, Output
from pixel_agent.core.errors import PixelAgentError
from pixel_agent.engines.ocr.text_reader import DetectionSize
from pixel_agent.tasks.rules.expiry import date_values, lacks_dates
from pixel_agent.tasks.rules.page import Page

SOFT: Final = DetectionSize(640, blur_px=2.5)
"""Measured on drawn dot-matrix print: everything was read, in a third of the time of a full pass."""


def wants_second_look(job: Job, output: Output | PixelAgentError) -> bool:
    """Whether the first pass seems to have missed a label's dates; only true for the task `expiry_check`."""
    if job.task.id != "expiry_check" or not isinstance(output, Output) or output.draft is None:
        return False
    page = Page(tuple(output.lines), job.photo.width, job.photo.height, job.today, job.spec.lang, job.spec.options)
    return lacks_dates(page, output.draft)


def better(first: Output | PixelAgentError, second: Output | PixelAgentError) -> Output | PixelAgentError:
    """The second output if it has more dates and misses none of the first; else the first."""
    found = [_dates(output) for output in (first, second)]
    return second if found[1] > found[0] else first


def _dates(output: Output | PixelAgentError) -> frozenset[str]:
    draft: Draft | None = output.draft if isinstance(output, Output) else None
    return date_values(draft) if draft is not None else frozenset()
