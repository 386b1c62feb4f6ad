"""Starts the library's own server, `transformers serve`, also without Torchvision.

The server needs Torchvision only for videos, but does not start without it. Arguments are those of the `transformers`
command.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from transformers.cli.transformers import main
from transformers.models.auto.video_processing_auto import AutoVideoProcessor
from transformers.models.qwen3_vl.processing_qwen3_vl import Qwen3VLProcessor


class NoVideos(dict[str, object]):
    """Replaces the processor of videos."""

    model_input_names = ()
    merge_size = temporal_patch_size = 2


def leave_videos_out() -> None:
    """Make a processor work without its part for videos."""
    check: Any = Qwen3VLProcessor.check_argument_for_proper_class

    def lenient(self: Any, name: str, argument: Any) -> Any:
        return None if isinstance(argument, NoVideos) else check(self, name, argument)

    processor: Any = Qwen3VLProcessor
    processor.check_argument_for_proper_class = lenient
    videos: Any = AutoVideoProcessor
    videos.from_pretrained = lambda *_args, **_more: NoVideos()


if __name__ == "__main__":
    if find_spec("torchvision") is None:
        leave_videos_out()
    main()
