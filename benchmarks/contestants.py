"""The engines that are timed, each in a process of its own, which runs one case per request.

    python benchmarks/contestants.py NAME THREADS

is started by `rounds.py` and reads and writes JSON lines. Every engine takes a picture and a scale
and returns a picture, so that conversions around the network are timed too.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from folded import fold_weights
from photographs import Pixels, make_picture

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.graphs.chains import SRCNN, chain

GRAPH = ROOT / "srcnn" / "weights" / "srcnn.onnx"
PRODUCT_SIDE = 2048
Enlarge = Callable[[Pixels, float], Pixels]


class SkippedError(Exception):
    """This machine cannot run the contestant; the message says why."""


@dataclass(frozen=True)
class Contestant:
    """An engine.

    Attributes:
        run: the timed call, from integers to integers.
        run_rounded: the same, rounded to the nearest level, so that engines can be compared.
    """

    run: Enlarge
    run_rounded: Enlarge


def make_block(image: Pixels) -> Pixels:
    """Convert (H, W, 3) uint8 to (1, 3, H, W) float32, as the tutorial's loop does."""
    return np.expand_dims(np.transpose(image.astype(np.float32), [2, 0, 1]), 0)


def wrap_blocks(compute: Enlarge) -> Contestant:
    """Make a contestant from a function on blocks; clips and casts as the tutorial does."""

    def clip(image: Pixels, scale: float) -> Pixels:
        result = np.clip(np.squeeze(compute(image, scale), 0), 0, 255)
        return np.transpose(result, [1, 2, 0])

    return Contestant(
        lambda image, scale: clip(image, scale).astype(np.uint8),
        lambda image, scale: np.rint(clip(image, scale)).astype(np.uint8),
    )


def make_factor(scale: float) -> Pixels:
    return np.array([1, 1, scale, scale], dtype=np.float32)


def make_loop(threads: int, *, is_published: bool = False) -> Contestant:
    """ONNX Runtime on the exported graph of the factor, default session options.

    Args:
        threads: that compute.
        is_published: whether the graph is that of the published network, with three channels; its
            weights are random.
    """
    import onnxruntime  # noqa: PLC0415 - a process loads only its own engine
    from psutil import cpu_count  # noqa: PLC0415 - as above

    options = onnxruntime.SessionOptions()
    if threads != cpu_count(logical=False):  # with all cores, the default pins its threads
        options.intra_op_num_threads = threads

    @cache
    def session_at(scale: float) -> Any:
        if is_published:
            return onnxruntime.InferenceSession(chain(*SRCNN), options)
        content = fold_weights(GRAPH, scale).SerializeToString()
        return onnxruntime.InferenceSession(content, options)

    def compute(image: Pixels, scale: float) -> Pixels:
        feeds = {"input": make_block(image), "factor": make_factor(scale)}
        result: Pixels = session_at(scale).run(None, feeds)[0]
        return result

    return wrap_blocks(compute)


def make_eager(threads: int) -> Contestant:
    """PyTorch, on the network that was exported."""
    import torch  # noqa: PLC0415 - a process loads only its own engine
    from torch.nn.functional import interpolate  # noqa: PLC0415 - as above

    from srcnn.export.pixel_convention import build_network  # noqa: PLC0415 - as above
    from srcnn.export.read_checkpoint import read_weights  # noqa: PLC0415 - needs torch

    torch.set_num_threads(threads)
    weights = read_weights(GRAPH.with_suffix(".pth").read_bytes(), "bundled")
    network = build_network(weights, "rgb-unit")

    def compute(image: Pixels, scale: float) -> Pixels:
        with torch.inference_mode():
            block = torch.from_numpy(make_block(image))
            larger = interpolate(block, scale_factor=scale, mode="bicubic", align_corners=False)
            sharpen = network.at(torch.from_numpy(make_factor(scale)))
            result: Pixels = sharpen(larger).numpy()
        return result

    return wrap_blocks(compute)


def make_openvino(threads: int, *, precision: str) -> Contestant:
    """OpenVINO on the exported graph of the factor."""
    import openvino  # noqa: PLC0415 - a process loads only its own engine

    core = openvino.Core()
    if precision == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise SkippedError("the processor has no bf16")
    hints = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
    }

    @cache
    def request_at(scale: float) -> Any:
        graph = core.read_model(fold_weights(GRAPH, scale).SerializeToString())
        return core.compile_model(graph, "CPU", hints).create_infer_request()

    def compute(image: Pixels, scale: float) -> Pixels:
        feeds = {"input": make_block(image), "factor": make_factor(scale)}
        result: Pixels = request_at(scale).infer(feeds)["output"]
        return result

    return wrap_blocks(compute)


def make_opencv(threads: int) -> Contestant:
    """OpenCV's DNN on the exported graph of the factor."""
    cv2.setNumThreads(threads)

    @cache
    def net_at(scale: float) -> Any:
        return _read_opencv_net(fold_weights(GRAPH, scale))

    def compute(image: Pixels, scale: float) -> Pixels:
        net = net_at(scale)
        net.setInput(make_block(image), "input")
        net.setInput(make_factor(scale), "factor")
        return np.asarray(net.forward())

    return wrap_blocks(compute)


def _read_opencv_net(model: Any) -> Any:
    return cv2.dnn.readNetFromONNX(np.frombuffer(model.SerializeToString(), np.uint8))


def make_opencv_convolutions(threads: int) -> Contestant:
    """OpenCV's DNN on the convolutions only, after OpenCV's cubic."""
    import onnx  # noqa: PLC0415 - no other contestant needs it

    cv2.setNumThreads(threads)

    @cache
    def net_at(scale: float) -> Any:
        graph = onnx.shape_inference.infer_shapes(fold_weights(GRAPH, scale))
        (resize,) = [node for node in graph.graph.node if node.op_type == "Resize"]
        extractor = onnx.utils.Extractor(graph)
        return _read_opencv_net(extractor.extract_model(list(resize.output), ["output"]))

    def compute(image: Pixels, scale: float) -> Pixels:
        net = net_at(scale)
        size = (int(image.shape[1] * scale), int(image.shape[0] * scale))
        larger = cv2.resize(image.astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
        net.setInput(np.ascontiguousarray(larger.transpose(2, 0, 1))[None])
        return np.asarray(net.forward())

    return wrap_blocks(compute)


def make_ours(threads: int, *, provider: str = "auto") -> Contestant:
    """`srcnn.Upscaler`, through its public interface."""
    from srcnn import Upscaler, UsageError  # noqa: PLC0415 - only its own engine

    chosen: dict[str, Any] = {"provider": provider, "threads": threads}
    try:
        upscaler = Upscaler.load(**chosen)
    except UsageError as error:
        raise SkippedError(str(error)) from error
    return Contestant(upscaler, upscaler)


def make_torch_product(threads: int) -> Contestant:
    """An fp32 matrix product by PyTorch."""
    import torch  # noqa: PLC0415 - a process loads only its own engine

    torch.set_num_threads(threads)
    left = torch.rand(PRODUCT_SIDE, PRODUCT_SIDE)
    right = torch.rand(PRODUCT_SIDE, PRODUCT_SIDE)
    return Contestant(lambda *_: torch.mm(left, right).numpy(), lambda *_: np.empty(0))


def make_numpy_product(_threads: int) -> Contestant:
    """An fp32 matrix product by NumPy; its BLAS uses the cores that the process may use."""
    left, right = np.random.default_rng(0).random((2, PRODUCT_SIDE, PRODUCT_SIDE), np.float32)
    return Contestant(lambda *_: left @ right, lambda *_: np.empty(0))


OURS = "ours"
LOOP = "tutorial's loop"
PUBLISHED_LOOP = "tutorial's loop, three channels"
PRODUCTS = ("matrix product, PyTorch", "matrix product, NumPy")
MAKERS: dict[str, Callable[[int], Contestant]] = {
    LOOP: make_loop,
    PUBLISHED_LOOP: partial(make_loop, is_published=True),
    "PyTorch eager": make_eager,
    "OpenVINO fp32": partial(make_openvino, precision="f32"),
    "OpenVINO bf16": partial(make_openvino, precision="bf16"),
    "OpenCV DNN": make_opencv,
    "OpenCV DNN, convolutions": make_opencv_convolutions,
    OURS: make_ours,
    "ours, cuda": partial(make_ours, provider="cuda"),
    "ours, tensorrt": partial(make_ours, provider="tensorrt"),
    "ours, openvino": partial(make_ours, provider="openvino"),
    PRODUCTS[0]: make_torch_product,
    PRODUCTS[1]: make_numpy_product,
}


def answer(contestant: Contestant, request: dict[str, Any]) -> dict[str, Any]:
    """Run once, timed; or write the rounded result to a file."""
    height, width = request["size"]
    image, scale = make_picture(height, width, request["kind"]), request["scale"]
    if "save" in request:
        np.save(request["save"], contestant.run_rounded(image, scale))
        return {}
    began = time.perf_counter()
    contestant.run(image, scale)
    return {"seconds": time.perf_counter() - began}


def main() -> None:
    name, threads = sys.argv[1], int(sys.argv[2])
    answers = sys.stdout
    sys.stdout = sys.stderr  # a library that prints must not break the JSON lines
    try:
        contestant = MAKERS[name](threads)
    except (ImportError, SkippedError) as error:
        reason = f"{error.name} is not installed" if isinstance(error, ImportError) else str(error)
        print(json.dumps({"skipped": reason}), file=answers, flush=True)
        return
    print(json.dumps({}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(contestant, json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
