"""Load tests of a server: plans, the load client, results and reports."""
