"""SRCNN with weights that depend on the factor, and perhaps on the quality of the source."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import nn
from torch.nn.functional import conv2d

from srcnn.export.interpolation import QualityHats, compute_hats, round_factor
from srcnn.export.srcnn_network import ANCHORS, CHANNELS, LAYERS, QUALITIES, Sharpening, Srcnn
from srcnn.graphs.graph_format import CLEAN

if TYPE_CHECKING:
    from collections.abc import Mapping

_PARAMETERS = [f"{layer}.{kind}" for layer in LAYERS for kind in ("weight", "bias")]


class _Rows(nn.Module):
    """The weights of one convolution, one row per set of weights, so that the hats can mix them."""

    weight: torch.Tensor
    bias: torch.Tensor

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor) -> None:
        super().__init__()
        self.shape = weight.shape[1:]
        self.register_buffer("weight", weight.flatten(1))
        self.register_buffer("bias", bias)

    def take(self, rows: torch.Tensor) -> _Rows:
        """Return some of the rows, by their indices."""
        return _Rows(self.weight[rows].reshape(-1, *self.shape), self.bias[rows])

    def mix(self, hats: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mix the convolution's weight and bias; `hats` (rows,) is the share of each row."""
        weight = torch.matmul(hats, self.weight).reshape(self.shape)
        return weight, torch.matmul(hats, self.bias)


class SrcnnBank(Sharpening):
    """SRCNN with weights that depend on the factor, and perhaps on the quality of the source.

    They are linear between anchors, and constant beyond them; see `srcnn.export.interpolation`:

        W(f)    = sum of hat_k(f) W_k                             for every weight and bias
        W(f, q) = sum of hat_k(f) hat_m(q) W_km                   with qualities

    At an anchor one hat is 1 and the others are 0, so the anchor's weights are reproduced bit for
    bit. Without loss, the weights are those of a bank of the factor alone: bit for bit in the
    exported graph and by `at`, and up to rounding in `forward`, by PyTorch's matrix product.
    """

    anchors: torch.Tensor
    starts: torch.Tensor
    widths: torch.Tensor
    one: torch.Tensor
    zero: torch.Tensor

    def __init__(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Store the weights of a bank.

        Args:
            weights: `anchors` (K,) float32, two or more, ascending; `qualities` (M,) float32, two
                or more, ascending to 100, or absent; and the parameters of `Srcnn` by name, each
                with a leading axis K, or two, K and M.
        """
        super().__init__(is_luma=weights["conv1.weight"].shape[-3:-2] == (1,))
        self.register_buffer("anchors", weights[ANCHORS])
        # Computed in advance, so that they become named constants of the graph.
        self.register_buffer("starts", self.anchors[:-1])
        self.register_buffer("widths", self.anchors.diff())
        self.register_buffer("one", torch.ones(1))
        self.register_buffer("zero", torch.zeros(1))
        qualities = weights.get(QUALITIES)
        self.quality = None if qualities is None else QualityHats(qualities)
        if self.quality:
            weights = {name: _stack_clean_first(weights[name]) for name in _PARAMETERS}
        self.conv1, self.conv2, self.conv3 = (
            _Rows(weights[f"{name}.weight"], weights[f"{name}.bias"]) for name in LAYERS
        )

    @property
    def qualities(self) -> list[float]:
        """The qualities of the anchors, ascending to 100; empty if there is no second axis."""
        return self.quality.anchors.tolist() if self.quality else []

    def compute_hats(
        self, factor: torch.Tensor, quality: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Compute the share of each row.

        Args:
            factor: (4,) float32 [1, 1, fh, fw].
            quality: (1,) float32; None for a source without loss. Ignored without `qualities`.

        Returns:
            (K,), or (M K,) with `qualities`.
        """
        nearest = round_factor(factor)
        hats = compute_hats(nearest, self.starts, self.widths, self.one, self.zero)
        if self.quality is None:
            return hats
        clean = torch.full((1,), CLEAN)
        shares: torch.Tensor = self.quality(clean if quality is None else quality)
        return (shares * hats).reshape(-1)

    def at(self, factor: torch.Tensor, quality: float = CLEAN) -> Srcnn:
        """Make the network of one factor and quality.

        Args:
            factor: (4,) float32 [1, 1, fh, fw].
            quality: 1 to 100; ignored without `qualities`.
        """
        hats = self.compute_hats(factor, torch.tensor([quality], dtype=torch.float32))
        # Rows with a share of 0 add nothing, but BLAS rounds sums of more rows in another way.
        mixed = hats.nonzero().flatten()
        with torch.device("meta"):  # no memory and no random numbers: the weights are replaced
            network = Srcnn(1 if self.is_luma else CHANNELS)
        weights: dict[str, torch.Tensor] = {}
        for name in LAYERS:
            rows: _Rows = getattr(self, name)
            weights[f"{name}.weight"], weights[f"{name}.bias"] = rows.take(mixed).mix(hats[mixed])
        network.load_state_dict(weights, assign=True)
        if self.is_luma:
            network.luma = self.luma  # that of a network without memory has no values
        return network.eval()

    def forward(
        self,
        upsampled: torch.Tensor,
        factor: torch.Tensor,
        quality: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Sharpen an upsampled image with the weights of its factor and quality.

        Args:
            upsampled: as for `Srcnn.forward`.
            factor: (4,) float32 [1, 1, fh, fw].
            quality: as for `compute_hats`.

        Returns:
            (N, 3, H, W) float32, not clipped.
        """
        hats = self.compute_hats(factor, quality)
        return self.sharpen(upsampled, lambda planes: self._convolve(planes, hats))

    def _convolve(self, planes: torch.Tensor, hats: torch.Tensor) -> torch.Tensor:
        first, _, last = self.paddings
        features = torch.relu(conv2d(planes, *self.conv1.mix(hats), padding=first))
        mapped = torch.relu(conv2d(features, *self.conv2.mix(hats)))
        return conv2d(mapped, *self.conv3.mix(hats), padding=last)


def _stack_clean_first(weights: torch.Tensor) -> torch.Tensor:
    """Make (M K, ...) of (K, M, ...): all factors without loss, then those of lower qualities.

    So for a source without loss, what precedes the zeros of a sum is the sum of a bank without
    qualities, and in ONNX Runtime, which adds row after row, the zeros behind change no bit of it.
    """
    return weights.flip(1).transpose(0, 1).flatten(0, 1)


Network: TypeAlias = Srcnn | SrcnnBank
