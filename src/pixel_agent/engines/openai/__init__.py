"""Models on OpenAI-compatible servers elsewhere."""
