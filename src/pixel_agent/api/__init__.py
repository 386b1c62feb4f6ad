"""The HTTP layer: requests and responses only; the scan service below it knows nothing of HTTP."""
