"""The vision-language model in this process."""
