"""Engines turn prepared photos into outputs; all of them implement one Protocol (`base.Engine`)."""
