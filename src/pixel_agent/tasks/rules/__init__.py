"""Pure functions that read text lines of a photo into result rows, after the OCR engine. They import `core` only."""
