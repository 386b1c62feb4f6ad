"""The photo stage, between ingest and scheduling: uploaded bytes become checked, upright pixels."""
