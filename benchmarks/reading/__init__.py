"""How well text, tags, dates and codes are read."""
