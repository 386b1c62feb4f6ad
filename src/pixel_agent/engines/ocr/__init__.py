"""The embedded engine: reads text on the CPU and interprets it with rules."""
