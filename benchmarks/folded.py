"""The bundled graph with the weights of one factor as constants, as other engines get it.

They would compute the weights again for every picture, so the graph as it is would measure more
than their convolutions. OpenCV's DNN cannot read it at all.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx.utils
from onnx import numpy_helper

from srcnn.graphs.graph_format import FACTOR, INPUT, OUTPUT
from srcnn.inference.engine.network_from_onnx import read_network


def fold_weights(graph: Path, scale: float) -> onnx.ModelProto:
    """Return the graph for one factor, which remains an input of its Resize.

    Raises:
        ValueError: the weights of the graph cannot be read.
    """
    content = graph.read_bytes()
    networks = read_network(content, INPUT, FACTOR)
    if networks is None:
        raise ValueError(f"{graph}: its weights cannot be read")
    network = networks.at(np.array([1, 1, scale, scale], np.float32))
    model = onnx.load_from_string(content)
    nodes = [node for node in model.graph.node if node.op_type == "Conv"]
    for index, (node, layer) in enumerate(zip(nodes, network.convolutions, strict=True)):
        names = [f"conv{index}.{part}" for part in ("weight", "bias")]
        for name, values in zip(names, (layer.weight, layer.bias), strict=True):
            model.graph.initializer.append(numpy_helper.from_array(values, name))
        node.input[1:] = names
    # Extracted without the nodes that computed the weights.
    return onnx.utils.Extractor(model).extract_model([INPUT, FACTOR], [OUTPUT])
