"""Scheduling: admission, the queue, the batch policy and the replicas that run the batches."""
