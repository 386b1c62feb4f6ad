"""The HTTP service: everything that knows about requests and responses, and nothing that knows about photos."""
