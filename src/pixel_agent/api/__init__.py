"""The HTTP layer: everything about requests and responses, and no photo processing."""
