"""Sends events to other systems: takes them from the outbox, checks addresses, and signs the calls."""
