"""The serving stacks that people use today, on a simulated device: what `python -m benchmarks reference` compares with.

Each module here runs in an environment of its own and imports nothing of Pixel Agent but its siblings.
"""
