"""What is done with an ONNX file once it is written: fewer bits, texts in it, predictions by it."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from fastmed.errors import ModelError
from fastmed.exporting.run_file import Inputs, Predict
from fastmed.exporting.traced import quiet
from fastmed.exporting.whole import NETWORK

_QUANTIZED = ("Conv", "Gemm", "MatMul")


def put_properties(path: Path, about: Mapping[str, str]) -> None:
    """Write texts among the properties of an ONNX file."""
    import onnx

    model = onnx.load(path)
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, dict(about))
    onnx.save(model, path)


def properties_of(path: Path) -> dict[str, str]:
    """Return the texts in an ONNX file."""
    import onnx

    return {one.key: one.value for one in onnx.load(path).metadata_props}


def runner(path: Path, threads: int = 1) -> Predict:
    """Return what predicts by an ONNX file, on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]

    def predict(inputs: Inputs) -> dict[str, np.ndarray]:
        return dict(zip(names, session.run(None, dict(inputs)), strict=True))

    return predict


def quantize(path: Path, out: Path, inputs: Iterable[Inputs]) -> None:
    """Write an ONNX file whose network counts with 8 bits, by onnxruntime's static quantisation.

    Weights have a scale for each channel, 7 bits of them are used, so that no processor overflows.
    What comes before and after the network stays as it is.

    Args:
        path: of the file.
        out: of the new one.
        inputs: of images, which the ranges of the layers' outputs are measured on.

    Raises:
        ModelError: the network has no layer that can be quantised.
    """
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    nodes = onnx.load(path, load_external_data=False).graph.node
    chosen = [
        node.name
        for node in nodes
        if node.name.startswith(f"{NETWORK}/") and node.op_type in _QUANTIZED
    ]
    if not chosen:
        raise ModelError("the network has no layer that can count with 8 bits; use fp32")
    with quiet():
        quantize_static(
            path,
            out,
            _reader(inputs),
            quant_format=QuantFormat.QDQ,
            nodes_to_quantize=chosen,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            extra_options={"MatMulConstBOnly": True},
        )


def _reader(inputs: Iterable[Inputs]) -> object:
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):
        """Gives onnxruntime one image after the other."""

        def __init__(self) -> None:
            self.left = iter(inputs)

        def get_next(self) -> dict[str, np.ndarray] | None:
            """Return the next inputs; None when there are no more."""
            found = next(self.left, None)
            return None if found is None else dict(found)

    return Reader()
