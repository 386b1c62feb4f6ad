"""Checks the structure of every accepted format in pure Python, before a native codec reads a byte.

A codec gets only data that it decodes safely: one picture of a known kind, of the stated size, without animations and
without thousands of useless parts that cost time. Nothing here decodes a pixel.
"""
