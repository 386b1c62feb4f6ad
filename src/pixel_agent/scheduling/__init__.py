"""Which scans run together, where, when; and which are refused."""
