"""Confirms a code by a second reading: the same place at another scale or as a strip must give the same text.

Called by `read.py`; pure.
"""

from __future__ import annotations

from collections import Counter

import cv2
import numpy as np
import zxingcpp

from pixel_agent.core import Quad
from pixel_agent.photo.barcodes.candidates import Candidate, read_candidates
from pixel_agent.photo.barcodes.quads import grown
from pixel_agent.photo.barcodes.strips import cut_strip, sharpen
from pixel_agent.photo.barcodes.symbologies import RETAIL, family, is_databar
from pixel_agent.photo.barcodes.verify import Gray

SCALES = (1.5, 2.0, 3.0)
"""The first scale verifies 147 of 150 DataBars that one strip cannot verify; the larger ones verify most others."""
MARGIN = 0.3
"""Margin of the crop around a code on each side, as a share of its longer side."""
STACKED_MARGIN = 1.5
"""The same for stacked DataBars, where the reader reports only a part of one row."""
WHITE = 20
"""White border around the crop, in pixels: a code at the picture's edge has no margin of its own."""
MOST_PIXELS = 2_000_000
"""Crops above this size are not enlarged; a code of that size needs no second reading at a larger scale."""
LINES = (0.2, 0.35, 0.5, 0.65, 0.8)
"""Relative heights of a code at which its surroundings are measured."""
ADD_ON_REACH = 0.9
"""Maximum distance from an EAN to the end of its add-on, as a share of the EAN's width."""


def reads_again_in_strip(gray: Gray, candidate: Candidate) -> bool:
    """Whether a straightened strip along the code gives the same text."""
    top_left, top_right, _, _ = np.asarray(candidate.corners, np.float32)
    width = int(np.clip(1.6 * np.hypot(*(top_right - top_left)), 240, 1600))
    for height in (24, 48):
        cut, _ = cut_strip(gray, candidate.corners, width, height, lean=0.0, margin=0.12)
        if any(_reads(prepared, candidate, strip=True) for prepared in (cut, sharpen(cut, 3, 1))):
            return True
    return False


def reads_again_larger(gray: Gray, candidate: Candidate) -> bool:
    """Whether the same place at another scale, with a white margin, gives the same text."""
    cut = _cut(gray, candidate.corners, STACKED_MARGIN if is_databar(candidate.format) else MARGIN)
    for scale in SCALES:
        if scale > SCALES[0] and cut.size * scale * scale > MOST_PIXELS:
            return False
        if _reads(_enlarged(cut, scale), candidate):
            return True
    return False


def without_add_on(gray: Gray, candidate: Candidate) -> Candidate:
    """The EAN with the corners of its own bars: the reader's corners include the add-on."""
    plain = read_candidates(gray, RETAIL, add_ons=False)
    return next((found for found in plain if found.printed == candidate.printed), candidate)


def find_add_on(gray: Gray, candidate: Candidate) -> str | None:
    """The add-on that most readings at several scales give, at least two; its own check accepts 1 in 10 false ones."""
    cut = _cut(gray, candidate.corners, ADD_ON_REACH)
    votes = Counter([candidate.add_on])
    for scale in SCALES:
        looks = read_candidates(_enlarged(cut, scale), RETAIL)
        votes.update({look.add_on for look in looks if look.add_on and look.printed == candidate.printed})
    (winner, most), *others = votes.most_common(2)
    return winner if most > 1 and all(count < most for _, count in others) else None


def has_quiet_ends(gray: Gray, corners: Quad, limit: float) -> bool:
    """Whether the picture is even beside both ends of the bars: contrast there, as a share of the contrast inside, is
    below `limit`. The picture's own edge counts as even.
    """
    top_left, top_right, bottom_right, bottom_left = np.asarray(corners, np.float32)
    along = np.linspace(-0.09, 1.09, 400, dtype=np.float32)
    outside = (along < -0.015) | (along > 1.015)
    ratios = []
    for height in LINES:
        start = top_left + (bottom_left - top_left) * height
        span = top_right + (bottom_right - top_right) * height - start
        points = start + span * along[:, None]
        line = cv2.remap(
            gray, points[None, :, 0], points[None, :, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )[0].astype(np.float32)
        inside = float(line[~outside].std()) + 1e-3
        left, right = line[along < -0.015], line[along > 1.015]
        ratios.append(max(float(left.std()), float(right.std())) / inside)
    return float(np.median(ratios)) < limit


def _reads(gray: Gray, candidate: Candidate, *, strip: bool = False) -> bool:
    kinds: tuple[zxingcpp.BarcodeFormat, ...] = family(candidate.format)
    return any(again.printed == candidate.printed for again in read_candidates(gray, kinds, strip=strip))


def _cut(gray: Gray, corners: Quad, margin: float) -> Gray:
    low, high = grown(corners, 2 * margin)
    left, top = (max(0, int(side)) for side in low)
    right, bottom = (int(side) + 1 for side in high)
    return gray[top:bottom, left:right]


def _enlarged(gray: Gray, scale: float) -> Gray:
    large = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.copyMakeBorder(large, WHITE, WHITE, WHITE, WHITE, cv2.BORDER_CONSTANT, value=255), np.uint8)
