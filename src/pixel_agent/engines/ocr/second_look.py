"""A second look at labels whose dates the first look broke: print in dots, print on gloss or on a curve.

Dots that stand apart are lines of their own to the detector. A slight blur joins them, and makes clear print no worse.
"""

from __future__ import annotations

from typing import Final

from pixel_agent.core import Draft, Job, Output
from pixel_agent.core.errors import PixelAgentError
from pixel_agent.engines.ocr.text_reader import DetectionSize
from pixel_agent.tasks.rules.expiry import date_values, lacks_dates
from pixel_agent.tasks.rules.page import Page

SOFT: Final = DetectionSize(640, blur_px=2.5)
"""Measured on drawn prints in dots: all read, at a third of the time of a whole look."""


def wants_second_look(job: Job, output: Output | PixelAgentError) -> bool:
    """Whether the dates of a label seem to have been missed; only asked of tasks that are about dates."""
    if job.task.id != "expiry_check" or not isinstance(output, Output) or output.draft is None:
        return False
    page = Page(tuple(output.lines), job.photo.width, job.photo.height, job.today, job.spec.lang, job.spec.options)
    return lacks_dates(page, output.draft)


def better(first: Output | PixelAgentError, second: Output | PixelAgentError) -> Output | PixelAgentError:
    """The second look where it found more dates and lost none, else the first."""
    found = [_dates(output) for output in (first, second)]
    return second if found[1] > found[0] else first


def _dates(output: Output | PixelAgentError) -> frozenset[str]:
    draft: Draft | None = output.draft if isinstance(output, Output) else None
    return date_values(draft) if draft is not None else frozenset()
