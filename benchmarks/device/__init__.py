"""The model on an accelerator: every way to run it, one table."""
