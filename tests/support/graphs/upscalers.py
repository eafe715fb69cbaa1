"""Small upscalers of the forms that are published, with random weights, as torch exports them."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from torch import nn
from torch.nn import functional

Array = npt.NDArray[Any]


class Plain(nn.Module):
    """Convolutions and a pixel shuffle, as ESPCN: a radius of `layers` pixels."""

    def __init__(self, factor: int = 2, layers: int = 3, channels: int = 8) -> None:
        super().__init__()
        steps: list[nn.Module] = [nn.Conv2d(3, channels, 3, padding=1), nn.ReLU()]
        for _ in range(layers - 2):
            steps += [nn.Conv2d(channels, channels, 3, padding=1), nn.LeakyReLU(0.2)]
        steps += [nn.Conv2d(channels, 3 * factor**2, 3, padding=1), nn.PixelShuffle(factor)]
        self.steps = nn.Sequential(*steps)
        self.factor = factor

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        larger = functional.interpolate(image, scale_factor=self.factor, mode="nearest")
        return larger + 0.3 * self.steps(image)


class Luma(nn.Module):
    """One channel in and out, as ESPCN and FSRCNN are published."""

    def __init__(self, factor: int = 2, white: float = 1.0) -> None:
        super().__init__()
        self.steps = nn.Sequential(
            nn.Conv2d(1, 8, 5, padding=2),
            nn.Tanh(),
            nn.Conv2d(8, factor**2, 3, padding=1),
            nn.PixelShuffle(factor),
        )
        self.factor, self.white = factor, white

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        larger = functional.interpolate(image, scale_factor=self.factor, mode="nearest")
        return larger + 0.2 * self.white * self.steps(image / self.white)


class Wide(nn.Module):
    """Dilated convolutions: a radius of 1 + 2 + ... + 2^(levels - 1) pixels."""

    def __init__(self, levels: int = 6) -> None:
        super().__init__()
        steps: list[nn.Module] = []
        for level in range(levels):
            width = 2**level
            before = 8 if level else 3
            steps += [nn.Conv2d(before, 8, 3, padding=width, dilation=width), nn.LeakyReLU(0.5)]
        self.steps = nn.Sequential(*steps, nn.Conv2d(8, 12, 1), nn.PixelShuffle(2))
        for parameter in self.parameters():
            parameter.data *= 2.5

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        larger = functional.interpolate(image, scale_factor=2, mode="nearest")
        return larger + 0.2 * torch.tanh(self.steps(image))


class UNet(nn.Module):
    """Strides of two, and a way back: takes multiples of 2 ** levels, unless it pads itself."""

    def __init__(self, levels: int = 3, *, pads: bool = False) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            nn.Conv2d(4 if level else 3, 4, 3, 2, 1) for level in range(levels)
        )
        self.up = nn.ModuleList(nn.ConvTranspose2d(4, 4, 2, 2) for _ in range(levels))
        self.last = nn.Conv2d(4, 3, 3, padding=1)
        self.multiple = 2**levels if pads else 1

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        height, width = image.shape[2:]
        values = image
        if self.multiple > 1:
            below, right = -height % self.multiple, -width % self.multiple
            values = functional.pad(values, (0, right, 0, below), mode="replicate")
        before = []
        for step in self.down:
            before.append(values)
            values = functional.leaky_relu(step(values), 0.3)
        for step, skipped in zip(self.up, reversed(before), strict=True):
            values = functional.leaky_relu(step(values), 0.3)
            if skipped.shape[1] == values.shape[1]:
                values = values + skipped
        return image + 0.3 * self.last(values)[:, :, :height, :width]


class SqueezeExcite(nn.Module):
    """Channels are weighted by their means over the whole picture; `gain` says how much."""

    def __init__(self, gain: float = 20.0) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.excite = nn.Conv2d(8, 8, 1)
        self.last = nn.Conv2d(8, 12, 3, padding=1)
        self.gain = gain

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        values = torch.relu(self.first(image))
        weights = torch.sigmoid(self.gain * self.excite(values.mean((2, 3), keepdim=True)))
        larger = functional.interpolate(image, scale_factor=2, mode="nearest")
        return larger + 0.3 * functional.pixel_shuffle(self.last(values * weights), 2)


class Normalised(nn.Module):
    """Every picture is normalised to the same mean and contrast: no tile knows them."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = nn.Conv2d(3, 12, 3, padding=1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        normal = functional.instance_norm(image)
        larger = functional.interpolate(normal, scale_factor=2, mode="nearest")
        return 0.5 + 0.2 * larger + 0.05 * functional.pixel_shuffle(self.steps(normal), 2)


class OneSize(nn.Module):
    """A size that is written into the graph."""

    def __init__(self, inner: nn.Module, size: tuple[int, int]) -> None:
        super().__init__()
        self.inner = inner
        self.size = size

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.inner(image.reshape(1, 3, *self.size))


class Channelled(nn.Module):
    """Another order of axes around a network: (N, H, W, 3)."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.inner(image.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


class Bytes(nn.Module):
    """Takes and returns uint8."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return (self.inner(image.float() / 255) * 255).round().clamp(0, 255).to(torch.uint8)


def export(
    network: nn.Module,
    *,
    shape: tuple[int, ...] = (1, 3, 64, 64),
    element: torch.dtype = torch.float32,
    free: tuple[int, ...] = (0, 2, 3),
) -> bytes:
    """Export a network.

    Args:
        network: the network.
        shape: of the example.
        element: of the example.
        free: the axes that are not fixed.
    """
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.reset_parameters()
    file = io.BytesIO()
    example = (
        torch.randint(0, 255, shape, dtype=element)
        if element == torch.uint8
        else torch.rand(shape).to(element)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.to(element) if element.is_floating_point else network,
            (example,),
            file,
            dynamo=False,
            opset_version=17,
            input_names=["image"],
            output_names=["result"],
            dynamic_axes={"image": {axis: f"axis{axis}" for axis in free}} if free else None,
        )
    return file.getvalue()


def run_whole(content: bytes, image: Array, layout: str = "nchw") -> Array:
    """Run a graph of RGB 0..1 on a whole picture: (H', W', 3) BGR 0..255, as floats."""
    session = onnxruntime.InferenceSession(content)
    (value,) = session.get_inputs()
    element = {"tensor(float)": np.float32, "tensor(float16)": np.float16}.get(value.type)
    block = image[None, :, :, ::-1]
    block = block if layout == "nhwc" else block.transpose(0, 3, 1, 2)
    block = np.ascontiguousarray(
        block if element is None else (block.astype(np.float32) / 255).astype(element)
    )
    (result,) = session.run(None, {value.name: block})
    planes = result[0] if layout == "nhwc" else result[0].transpose(1, 2, 0)
    white: float = 1.0 if element is None else 255.0
    whole: Array = planes[:, :, ::-1].astype(np.float32) * white
    return whole
