"""Runs the two PP-OCR networks of the `rapidocr` wheel on ONNX Runtime: one finds lines, one recognises them.

Used by `text_reader`, which decides what is read and how often. Nothing here accesses the internet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from pixel_agent.core import Pixels
from pixel_agent.core.errors import EngineUnavailable

Floats = NDArray[np.float32]
T = TypeVar("T")

DETECTION_FILE = "PP-OCRv6_det_small.onnx"
RECOGNITION_FILE = "PP-OCRv6_rec_small.onnx"
LINE_HEIGHT = 48
"""Height in pixels of a line that the recognition network reads."""
WIDTH_STEP = 32
"""Line widths are padded to a multiple of this many pixels: few different shapes, little padding."""
MAX_LINE_WIDTH = 2400
_DETECTION_STEP = 32
_INK = 0.3
_LINE_SCORE = 0.5
_UNCLIP = 1.6
"""Growth of a detected text core to its full box, as a multiple of area / perimeter (PP-OCRv6's inference settings)."""
_MIN_CORE = 3.0
_MAX_LINES = 1000
_REINSTALL = "Install it again: pip install --force-reinstall 'rapidocr>=3.10,<3.11' onnxruntime."


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """The position of a line of text: corners (4 x 2: top-left, top-right, bottom-right, bottom-left) in pixels of the
    input image, and the network's confidence (0-1)."""

    corners: Floats
    score: float

    @property
    def size(self) -> tuple[float, float]:
        """Lengths of the upper edge and of the left edge, in pixels."""
        top_left, top_right, _, bottom_left = self.corners
        return _distance(top_left, top_right), _distance(top_left, bottom_left)


class Network:
    """Runs one ONNX file on the CPU with `threads` threads that sleep when idle.

    Inference runs in ONNX Runtime's own threads, never in the caller's: only they flush denormal numbers to zero, which
    makes detection of real photos about three times as fast (measured: 300 → 105 ms at 640 x 480 on one thread).
    """

    def __init__(self, path: Path, threads: int) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads + 1  # one of them is the caller, which never computes here
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Shapes differ between photos: an arena would reserve the largest of each (measured 1.9 against 1.0 GB).
        options.enable_cpu_mem_arena = False
        options.add_session_config_entry("session.set_denormal_as_zero", "1")
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            # Creating a session that flushes denormals changes the float mode of the creating thread permanently.
            with ThreadPoolExecutor(1, thread_name_prefix="load-model") as worker:
                making = worker.submit(ort.InferenceSession, str(path), options, providers=["CPUExecutionProvider"])
            self._session = making.result()
        except Exception as error:
            raise EngineUnavailable(f"The text model {path.name} cannot be loaded: {error}", _REINSTALL) from error
        self._input: str = self._session.get_inputs()[0].name
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)

    def submit(self, tensor: Floats, finish: Callable[[Floats], T]) -> Future[T]:
        """Start one inference; the future returns the result of `finish` on the first output, or raises the error.

        `finish` runs in the runtime's thread, so that outputs (75 MB for eight long lines) do not pile up.
        """
        future: Future[T] = Future()

        def settle(outputs: Sequence[Floats], _: object, error: str) -> None:
            try:
                if error:
                    raise RuntimeError(error)
                future.set_result(finish(outputs[0]))
            except Exception as problem:
                future.set_exception(problem)

        self._session.run_async(None, {self._input: tensor}, settle, None)
        return future


class Detector:
    """Finds lines of text in an image."""

    def __init__(self, threads: int) -> None:
        self._network = Network(model_path(DETECTION_FILE), threads)

    def submit(self, image: Pixels, long_side: int) -> Future[list[Region]]:
        """Start finding lines in an image, scaled so that its long side is about `long_side` pixels."""
        height, width = image.shape[:2]
        scale = long_side / max(height, width)
        size = (_to_step(width * scale), _to_step(height * scale))
        shrinks = size[0] * size[1] < width * height
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
        return self._network.submit(
            _normalised([cast(Pixels, small)], size[0]), lambda heat: _regions(heat[0, 0], width, height)
        )


class Recognizer:
    """Reads lines that are cut out and scaled to `LINE_HEIGHT`."""

    def __init__(self, threads: int) -> None:
        self._network = Network(model_path(RECOGNITION_FILE), threads)
        characters = self._network.metadata.get("character", "")
        if not characters:
            raise EngineUnavailable(f"The text model {RECOGNITION_FILE} lacks its characters.", _REINSTALL)
        self._characters = ["", *characters.split("\n"), " "]

    def submit(self, crops: Sequence[Pixels], width: int) -> Future[list[tuple[str, float]]]:
        """Start reading crops, each `LINE_HEIGHT` high and at most `width` wide.

        The future returns the text of every crop and its confidence: the mean of its characters, 0 if there are none.
        """
        return self._network.submit(_normalised(crops, width), self._texts)

    def _texts(self, chances: Floats) -> list[tuple[str, float]]:
        """Greedy CTC decoding of crops x steps x characters: repeats are one character, 0 is a gap."""
        best = chances.argmax(axis=2)
        confidence = np.take_along_axis(chances, best[:, :, None], axis=2)[:, :, 0]
        fresh = best != 0
        fresh[:, 1:] &= best[:, 1:] != best[:, :-1]
        read = []
        for indices, values, keep in zip(best, confidence, fresh, strict=True):
            text = "".join(self._characters[index] for index in indices[keep])
            read.append((text, float(values[keep].mean()) if keep.any() else 0.0))
        return read


def model_path(name: str) -> Path:
    """Path of a model file in the installed `rapidocr` package, without importing it. Raises EngineUnavailable."""
    spec = find_spec("rapidocr")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "models" / name
        if path.is_file():
            return path
    raise EngineUnavailable(f"The text model {name} is missing from the rapidocr package.", _REINSTALL)


def cut(image: Pixels, corners: Floats) -> Pixels:
    """Cut out and straighten the area inside four corners: `LINE_HEIGHT` high, its width in proportion."""
    top_left, top_right, bottom_right, bottom_left = corners
    width = max(_distance(top_left, top_right), _distance(bottom_left, bottom_right), 1.0)
    height = max(_distance(top_left, bottom_left), _distance(top_right, bottom_right), 1.0)
    wanted = int(np.clip(np.ceil(LINE_HEIGHT * width / height), 8, MAX_LINE_WIDTH))
    # Shrinking by more than a factor of two aliases thin strokes: straighten at a larger size, then average down.
    oversize = max(1, int(height // LINE_HEIGHT))
    size = (wanted * oversize, LINE_HEIGHT * oversize)
    target = np.array([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]], np.float32)
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), target)
    crop = cv2.warpPerspective(image, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    if oversize > 1:
        crop = cv2.resize(crop, (wanted, LINE_HEIGHT), interpolation=cv2.INTER_AREA)
    return cast(Pixels, crop)


def _regions(chance: Floats, width: int, height: int) -> list[Region]:
    """The lines in a map (h x w, probability of text), in pixels of the image of `width` x `height`."""
    scale = np.array([width / chance.shape[1], height / chance.shape[0]], np.float32)
    ink = cv2.dilate((chance > _INK).astype(np.uint8), np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(ink, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for contour in contours[:_MAX_LINES]:
        centre, (side_a, side_b), angle = cv2.minAreaRect(contour)
        if min(side_a, side_b) < _MIN_CORE:
            continue
        score = _mean_inside(chance, _corners(centre, (side_a, side_b), angle))
        if score < _LINE_SCORE:
            continue
        grow = 2 * _UNCLIP * side_a * side_b / (2 * (side_a + side_b))
        corners = _corners(centre, (side_a + grow, side_b + grow), angle) * scale
        found.append(Region(_upright(corners), score))
    return found


def _normalised(images: Sequence[Pixels], width: int) -> Floats:
    """RGB images of one height → n x 3 x h x width, BGR as the networks were trained, -1 to 1, padded with 0."""
    tensor = np.zeros((len(images), 3, images[0].shape[0], width), np.float32)
    for row, image in zip(tensor, images, strict=True):
        row[:, :, : image.shape[1]] = image[:, :, ::-1].transpose(2, 0, 1) * np.float32(1 / 127.5) - np.float32(1)
    return tensor


def _distance(start: Floats, end: Floats) -> float:
    return float(np.linalg.norm(end - start))


def _to_step(length: float) -> int:
    return max(_DETECTION_STEP, round(length / _DETECTION_STEP) * _DETECTION_STEP)


def _corners(centre: Sequence[float], size: Sequence[float], angle: float) -> Floats:
    return cv2.boxPoints((centre, size, angle)).astype(np.float32)


def _mean_inside(chance: Floats, corners: Floats) -> float:
    left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    right, bottom = np.ceil(corners.max(axis=0)).astype(int) + 1
    window = chance[top:bottom, left:right]
    mask = np.zeros(window.shape, np.uint8)
    cv2.fillPoly(mask, [(corners - (left, top)).astype(np.int32)], 1)
    return float(cv2.mean(window, mask)[0])


def _upright(corners: Floats) -> Floats:
    """Rotate the list of corners (clockwise) so that the upper edge comes first: the edge that points most to the
    right."""
    edges = np.roll(corners, -1, axis=0) - corners
    return np.roll(corners, -int(np.argmax(edges[:, 0] / (np.linalg.norm(edges, axis=1) + 1e-6))), axis=0)


def bucket(width: int) -> int:
    """The padded width of a crop of this width, in pixels."""
    return -(-width // WIDTH_STEP) * WIDTH_STEP


def chunks(indices: Sequence[int], size: int) -> list[list[int]]:
    """Split a list into parts of at most `size` entries."""
    return [list(indices[start : start + size]) for start in range(0, len(indices), size)]
