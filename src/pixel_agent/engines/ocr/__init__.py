"""The embedded engine: text is read on the CPU, rules say what it means."""
