"""The `transformers` engine: a vision-language model of the Qwen3-VL family in this process."""
