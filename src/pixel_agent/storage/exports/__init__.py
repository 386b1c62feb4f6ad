"""Export formats: tables, JSON lines, training annotations, and a printable report. One module per format."""
