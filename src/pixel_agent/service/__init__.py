"""The service: connects all stages, and runs the pipeline of one scan."""
