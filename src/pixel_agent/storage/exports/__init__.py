"""Files that people take away: tables, lines of JSON, annotations for training, and a report to print. One file a format."""
