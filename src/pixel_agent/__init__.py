"""Pixel Agent (像素特工): a photo in, a checked reading out."""
