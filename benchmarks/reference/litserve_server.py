# The framework is installed in an environment of its own, where the type checker cannot see it.
# mypy: disable-error-code="import-not-found,misc"
"""LitServe, tuned as its documentation advises: batches, a short batch timeout, several workers on the device.

LitServe decodes in the inference worker; with two workers, one decodes while the other runs.
"""

import sys
from typing import cast

from litserve import LitAPI, LitServer
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

from .device import MAX_ITEMS, Device
from .photos import decode_small

WORKERS = 2
BATCH_TIMEOUT_S = 0.02


class ScanAPI(LitAPI):
    """Answers one photo with the text of the device."""

    def setup(self, device: object) -> None:
        """Open the simulated device in this worker; LitServe's own choice of device is ignored."""
        del device
        self.simulated = Device()

    def decode_request(self, request: Request) -> str:
        """Decode the uploaded photo. LitServe passes the form because of this annotation."""
        upload = cast(FormData, request)["file"]
        if not isinstance(upload, UploadFile):
            raise TypeError("The field 'file' must be a file.")
        return decode_small(upload.file.read())

    def batch(self, inputs: list[str]) -> list[str]:
        """Return the photos as a list."""
        return inputs

    def predict(self, inputs: list[str]) -> list[str]:
        """Run one batch."""
        return self.simulated.run(inputs)

    def unbatch(self, output: list[str]) -> list[str]:
        """Split the output into one answer per photo."""
        return output

    def encode_response(self, output: str) -> dict[str, str]:
        """Format the answer as JSON."""
        return {"status": "success", "result": output}


if __name__ == "__main__":
    api = ScanAPI(max_batch_size=MAX_ITEMS, batch_timeout=BATCH_TIMEOUT_S, api_path="/scan")
    server = LitServer(api, accelerator="cpu", devices=1, workers_per_device=WORKERS)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", generate_client_file=False)
