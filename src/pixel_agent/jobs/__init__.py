"""Background work: accepts scans, runs them later, records results, retries failures, and sends webhooks."""
