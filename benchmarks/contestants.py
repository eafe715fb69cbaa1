"""What is timed: each engine in a process of its own, which runs once when it is told to.

    python benchmarks/contestants.py NAME THREADS

is started by `rounds.py`, and speaks JSON lines. Every engine takes a picture and a scale and
gives a picture, so that what surrounds the network is timed with it.
"""

from __future__ import annotations

import inspect
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
from folded import folded
from photographs import Pixels, picture

ROOT = Path(__file__).parent.parent
GRAPH = ROOT / "srcnn" / "weights" / "srcnn.onnx"
PRODUCT_SIDE = 2048
Enlarge = Callable[[Pixels, float], Pixels]


class SkippedError(Exception):
    """This machine cannot run the contestant; the text says why."""


@dataclass(frozen=True)
class Contestant:
    """An engine.

    Attributes:
        run: what is timed, from integers to integers.
        rounded: the same result, rounded to the nearest level, so that engines can be compared.
    """

    run: Enlarge
    rounded: Enlarge


def block_of(image: Pixels) -> Pixels:
    """(H, W, 3) uint8 to (1, 3, H, W) float32, as the tutorial's loop does it."""
    return np.expand_dims(np.transpose(image.astype(np.float32), [2, 0, 1]), 0)


def of_blocks(compute: Enlarge) -> Contestant:
    """A contestant from a function that gives blocks: clipped and cast as the tutorial does."""

    def clipped(image: Pixels, scale: float) -> Pixels:
        result = np.clip(np.squeeze(compute(image, scale), 0), 0, 255)
        return np.transpose(result, [1, 2, 0])

    return Contestant(
        lambda image, scale: clipped(image, scale).astype(np.uint8),
        lambda image, scale: np.rint(clipped(image, scale)).astype(np.uint8),
    )


def factor_of(scale: float) -> Pixels:
    return np.array([1, 1, scale, scale], dtype=np.float32)


def loop(threads: int) -> Contestant:
    """ONNX Runtime on the exported graph of the factor, default session options."""
    import onnxruntime  # noqa: PLC0415 - each process loads its own engine alone
    from psutil import cpu_count  # noqa: PLC0415 - likewise

    options = onnxruntime.SessionOptions()
    if threads != cpu_count(logical=False):  # else the default takes them all, and pins them
        options.intra_op_num_threads = threads

    @cache
    def session_at(scale: float) -> Any:
        content = folded(GRAPH, scale).SerializeToString()
        return onnxruntime.InferenceSession(content, options)

    def compute(image: Pixels, scale: float) -> Pixels:
        feeds = {"input": block_of(image), "factor": factor_of(scale)}
        result: Pixels = session_at(scale).run(None, feeds)[0]
        return result

    return of_blocks(compute)


def eager(threads: int) -> Contestant:
    """PyTorch, the network as it is exported from."""
    import torch  # noqa: PLC0415 - each process loads its own engine alone
    from torch.nn.functional import interpolate  # noqa: PLC0415 - likewise

    from srcnn.export.convention import build_network  # noqa: PLC0415 - likewise
    from srcnn.export.read_checkpoint import read_weights  # noqa: PLC0415 - they need torch

    torch.set_num_threads(threads)
    weights = read_weights(GRAPH.with_suffix(".pth").read_bytes(), "bundled")
    network = build_network(weights, "rgb-unit")

    def compute(image: Pixels, scale: float) -> Pixels:
        with torch.inference_mode():
            block = torch.from_numpy(block_of(image))
            larger = interpolate(block, scale_factor=scale, mode="bicubic", align_corners=False)
            sharpen = network.at(torch.from_numpy(factor_of(scale)))
            result: Pixels = sharpen(larger).numpy()
        return result

    return of_blocks(compute)


def openvino(threads: int, *, precision: str) -> Contestant:
    """OpenVINO on the exported graph of the factor."""
    import openvino  # noqa: PLC0415 - each process loads its own engine alone

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
        graph = core.read_model(folded(GRAPH, scale).SerializeToString())
        return core.compile_model(graph, "CPU", hints).create_infer_request()

    def compute(image: Pixels, scale: float) -> Pixels:
        feeds = {"input": block_of(image), "factor": factor_of(scale)}
        result: Pixels = request_at(scale).infer(feeds)["output"]
        return result

    return of_blocks(compute)


def opencv(threads: int) -> Contestant:
    """OpenCV's DNN on the exported graph of the factor."""
    cv2.setNumThreads(threads)

    @cache
    def net_at(scale: float) -> Any:
        return _opencv_net(folded(GRAPH, scale))

    def compute(image: Pixels, scale: float) -> Pixels:
        net = net_at(scale)
        net.setInput(block_of(image), "input")
        net.setInput(factor_of(scale), "factor")
        return np.asarray(net.forward())

    return of_blocks(compute)


def _opencv_net(model: Any) -> Any:
    return cv2.dnn.readNetFromONNX(np.frombuffer(model.SerializeToString(), np.uint8))


def opencv_convolutions(threads: int) -> Contestant:
    """OpenCV's DNN on the convolutions alone, behind OpenCV's cubic."""
    import onnx  # noqa: PLC0415 - no other contestant needs it

    cv2.setNumThreads(threads)

    @cache
    def net_at(scale: float) -> Any:
        graph = onnx.shape_inference.infer_shapes(folded(GRAPH, scale))
        (resize,) = [node for node in graph.graph.node if node.op_type == "Resize"]
        extractor = onnx.utils.Extractor(graph)
        return _opencv_net(extractor.extract_model(list(resize.output), ["output"]))

    def compute(image: Pixels, scale: float) -> Pixels:
        net = net_at(scale)
        size = (int(image.shape[1] * scale), int(image.shape[0] * scale))
        larger = cv2.resize(image.astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
        net.setInput(np.ascontiguousarray(larger.transpose(2, 0, 1))[None])
        return np.asarray(net.forward())

    return of_blocks(compute)


def ours(threads: int, *, provider: str = "auto", precision: str = "exact") -> Contestant:
    """`srcnn.Upscaler`, as anyone calls it."""
    from srcnn import Upscaler, UsageError  # noqa: PLC0415 - each process its own engine alone

    chosen: dict[str, Any] = {"provider": provider, "threads": threads}
    if "precision" in inspect.signature(Upscaler.load).parameters:
        chosen["precision"] = precision
    elif precision != "exact":
        raise SkippedError("srcnn.Upscaler has no choice of precision")
    try:
        upscaler = Upscaler.load(**chosen)
    except UsageError as error:
        raise SkippedError(str(error)) from error
    return Contestant(upscaler, upscaler)


def product_torch(threads: int) -> Contestant:
    """An fp32 matrix product by PyTorch."""
    import torch  # noqa: PLC0415 - each process loads its own engine alone

    torch.set_num_threads(threads)
    left = torch.rand(PRODUCT_SIDE, PRODUCT_SIDE)
    right = torch.rand(PRODUCT_SIDE, PRODUCT_SIDE)
    return Contestant(lambda *_: torch.mm(left, right).numpy(), lambda *_: np.empty(0))


def product_numpy(_threads: int) -> Contestant:
    """An fp32 matrix product by NumPy; its BLAS takes the cores that the process may use."""
    left, right = np.random.default_rng(0).random((2, PRODUCT_SIDE, PRODUCT_SIDE), np.float32)
    return Contestant(lambda *_: left @ right, lambda *_: np.empty(0))


OURS = "ours, exact"
FAST = "ours, fast"
LOOP = "tutorial's loop"
PRODUCTS = ("matrix product, PyTorch", "matrix product, NumPy")
MAKERS: dict[str, Callable[[int], Contestant]] = {
    LOOP: loop,
    "PyTorch eager": eager,
    "OpenVINO fp32": partial(openvino, precision="f32"),
    "OpenVINO bf16": partial(openvino, precision="bf16"),
    "OpenCV DNN": opencv,
    "OpenCV DNN, convolutions": opencv_convolutions,
    OURS: ours,
    FAST: partial(ours, precision="fast"),
    "ours, cuda": partial(ours, provider="cuda"),
    "ours, tensorrt": partial(ours, provider="tensorrt"),
    "ours, openvino": partial(ours, provider="openvino"),
    PRODUCTS[0]: product_torch,
    PRODUCTS[1]: product_numpy,
}


def answer(contestant: Contestant, asked: dict[str, Any]) -> dict[str, Any]:
    """Run once, timed; or write the rounded result to a file."""
    height, width = asked["size"]
    image, scale = picture(height, width, asked["kind"]), asked["scale"]
    if "save" in asked:
        np.save(asked["save"], contestant.rounded(image, scale))
        return {}
    began = time.perf_counter()
    contestant.run(image, scale)
    return {"seconds": time.perf_counter() - began}


def main() -> None:
    name, threads = sys.argv[1], int(sys.argv[2])
    answers = sys.stdout
    sys.stdout = sys.stderr  # libraries that print do not disturb the answers
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
