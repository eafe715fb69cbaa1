"""Write the graph for any factor: upsample a tile by two matrix products, then convolve it."""

from __future__ import annotations

from srcnn.inference.engine.graph_writer import (
    BLOCKS,
    CELLS,
    COLUMNS,
    PLANES,
    ROWS,
    GraphWriter,
)
from srcnn.inference.engine.network import Activation, Network
from srcnn.inference.engine.output_blocks import choose_block, count_macs, merge_into_block

MASKS = ("rows_inside", "columns_inside")


def choose_pixel_block(network: Network) -> tuple[int, int]:
    """Choose the height and width of the block of pixels that are computed at once."""
    return choose_block(network.shapes[-1:])


def count_macs_per_pixel(network: Network) -> float:
    """Count multiplications per output pixel, including padded channels."""
    if not network.layers:
        return 0
    *others, last = network.convolutions
    return sum(layer.macs for layer in others) + count_macs(
        last.weight.shape, choose_pixel_block(network)
    )


def write_upsampled_graph(network: Network, masks: tuple[str, ...]) -> bytes:
    """Write the graph for a tile; see `graph_writer`.

    Its matrices are those of `bicubic.interpolation`, for the tile and what the network reaches
    around it.

    Args:
        network: for the channels of the picture.
        masks: `MASKS` if the network pads with zeros, and the tile needs pixels outside the
            picture. They are inputs (tile height, 1) and (1, tile width), 1 for pixels of the
            picture and 0 for others.
    """
    graph = GraphWriter()
    inputs = (ROWS, COLUMNS, *masks)
    cells = CELLS
    if network.luma:
        cells = graph.add_node("Concat", cells, graph.add_luma(cells, network.luma), axis=0)
    upsampled = planes = graph.add_upsampling(cells)
    if not network.layers:
        return graph.to_bytes({PLANES: (upsampled, 3)}, inputs)
    if network.luma:
        planes = graph.add_slice(upsampled, [network.channels], [0], [0])
    outputs = {BLOCKS: (_add_layers(graph, network, graph.add_batch(planes), masks), 4)}
    if network.luma:
        starts, ends = [0, *network.reach], [-1, *(-pixels for pixels in network.reach)]
        outputs[PLANES] = (graph.add_slice(upsampled, starts, ends, [0, 1, 2]), 3)
    return graph.to_bytes(outputs, inputs)


def _add_layers(graph: GraphWriter, network: Network, value: str, masks: tuple[str, ...]) -> str:
    """Add the layers; the last one computes blocks."""
    reached = (0, 0)
    for index, layer in enumerate(network.layers):
        if isinstance(layer, Activation):
            value = graph.add_activation(value, layer)
            continue
        if index > 0 and max(layer.reach) > 0:
            value = _add_masks(graph, value, masks, reached)
        if index == len(network.layers) - 1:
            block = choose_pixel_block(network)
            return graph.add_convolution(value, merge_into_block(layer, block), strides=list(block))
        value = graph.add_convolution(value, layer)
        reached = (reached[0] + layer.reach[0], reached[1] + layer.reach[1])
    raise AssertionError("the last layer of a network is a convolution")


def _add_masks(
    graph: GraphWriter, value: str, masks: tuple[str, ...], reached: tuple[int, int]
) -> str:
    """Add the zeros outside the picture that a convolution pads with.

    The first convolution needs none: what it reads is zero there already.

    Args:
        graph: where the nodes are added.
        value: name of (1, channels, H, W), what the convolution reads.
        masks: names of the inputs, for rows and columns.
        reached: by the convolutions before it, in pixels to a side, per axis.
    """
    for axis, name in enumerate(masks):
        mask = graph.add_slice(name, [reached[axis]], [-reached[axis]], [axis])
        value = graph.add_node("Mul", value, mask)
    return value
