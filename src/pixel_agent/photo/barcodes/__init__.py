"""The barcodes stage: finds, reads and verifies barcodes and QR codes on the CPU, in parallel with the engine."""
