"""Engines whose model runs on OpenAI-compatible servers, remote or started by this service."""
