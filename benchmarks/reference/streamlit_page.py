# The framework is installed in an environment of its own, where the type checker cannot see it.
# mypy: disable-error-code="import-not-found"
"""A typical Streamlit scan page: upload, decode, show, call the model in the script, show the answer."""

from __future__ import annotations

from importlib import import_module

import streamlit

device = import_module("reference.device")
photos = import_module("reference.photos")

streamlit.title("Scan terminal")
streamlit.selectbox("Task", ["Full product scan", "Price tags", "Storefront"])
uploaded = streamlit.file_uploader("Photo", type=["jpg", "jpeg", "png"])
if uploaded is not None:
    data = uploaded.getvalue()
    digest = photos.decode_full(data)
    streamlit.image(data)
    with streamlit.spinner("Scanning"):
        (text,) = device.Device().run([digest])
    streamlit.code(text)
