"""Predict images by a file of `fastmed export`, with onnxruntime, NumPy and Pillow alone.

python predict_onnx.py model.onnx IMAGE ... [--set meta_age=63] [--set meta_sex=F]
"""

import argparse
import json

import numpy as np
import onnxruntime
from before import prepared
from PIL import Image, ImageOps


def value_of(entry, text):
    """Return an input of one image: a number, or the place of a category; unknown without text."""
    if "values" in entry:
        known = text in entry["values"]
        return np.array([entry["values"].index(text) if known else entry["unknown"]], np.int64)
    return np.array([float(text) if text else np.nan], np.float32)


parser = argparse.ArgumentParser()
parser.add_argument("model")
parser.add_argument("images", nargs="+")
parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
arguments = parser.parse_args()
given = dict(text.split("=", 1) for text in arguments.set)
session = onnxruntime.InferenceSession(arguments.model)
about = json.loads(session.get_modelmeta().custom_metadata_map["fastmed.json"])
print(about["notice"])
for name in arguments.images:
    inputs = {e["name"]: value_of(e, given.get(e["name"])) for e in about["inputs"]}
    if "images" in inputs:
        picture = ImageOps.exif_transpose(Image.open(name))
        inputs["images"] = np.asarray(prepared(picture, about["before"], about["inside"]))[None]
    names = [output.name for output in session.get_outputs()]
    found = dict(zip(names, session.run(names, inputs), strict=True))
    probabilities = found["probabilities"][0].astype(float).round(4).tolist()
    scores = dict(zip(about["classes"], probabilities, strict=True))
    print(name, about["classes"][found["predicted"][0]], scores, found.get("value", ""))
