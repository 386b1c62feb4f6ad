"""Barcodes and QR codes: found, read, verified."""
