"""The structure of every accepted format, checked in pure Python before a native codec sees a byte.

A codec gets only what it decodes safely: one picture of a known kind, of the stated size, without animations and without
thousands of parts that cost time and show nothing. Nothing here decodes a pixel.
"""
