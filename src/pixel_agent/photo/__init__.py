"""From uploaded bytes to checked, upright pixels."""
