"""Engines: everything that turns a prepared photo into an output, behind one Protocol."""
