"""Common serving stacks on a simulated device: the servers that `python -m benchmarks reference` compares with.

Each module here runs in its own environment and imports only its siblings, nothing of Pixel Agent.
"""
