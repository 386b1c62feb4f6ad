"""Events for other systems: an outbox, signed calls, checked addresses."""
