"""Steps 4 and 5 of the check: run a graph at many sizes and factors, compare shapes, then values.

A graph can connect its factor to Resize, or its quality to its weights, and still ignore it. Only
running it shows that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from srcnn.graphs.check_cases import (
    FACTORS,
    MAX_TOLERANCE,
    QUALITIES,
    QUALITY_SIZE,
    Case,
    list_cases,
)
from srcnn.graphs.check_session import LoadedGraph, open_graph
from srcnn.graphs.findings import Finding, abridge
from srcnn.graphs.graph_format import QUALITY
from srcnn.runtime.onnx_session import extract_first_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from srcnn.geometry import Factor
    from srcnn.graphs.check_cases import Float32

SHAPES = "shapes"
VALUES = "values"


def check_behaviour(
    content: bytes, fixed: Factor | None, *, follows_quality: bool = False
) -> list[Finding]:
    """Run a graph at its fixed factor, or at many factors and qualities.

    Args:
        content: of the ONNX file; its signature has passed the check.
        fixed: the fixed factor on the graph's card; None for a dynamic factor.
        follows_quality: whether it takes the quality.
    """
    try:
        plain = open_graph(content, optimised=False)
        cases = list_cases(fixed, follows_quality=follows_quality)
        findings = [finding for case in cases for finding in _check_shape(plain, case)]
        if not findings:
            # Only now: the optimiser computes what is constant, whatever memory that takes.
            optimised = open_graph(content, optimised=True)
            found = (_check_values(plain, optimised, case) for case in cases)
            findings = [finding for each in found for finding in each]
            findings += _check_quality(plain) if follows_quality and not findings else []
    except Exception as error:  # noqa: BLE001 - the binding's exceptions share no other base
        return [
            Finding(SHAPES, "graph", f"ONNX Runtime cannot load it: {extract_first_line(error)}")
        ]
    return abridge(findings)


def _check_shape(run: LoadedGraph, case: Case) -> Iterator[Finding]:
    expected = (1, 3, *case.size_out)
    try:
        found = run(case.make_image(), case.scales, case.quality).shape
    except Exception as error:  # noqa: BLE001 - as above
        yield Finding(
            SHAPES, str(case), f"expected {expected}, but it fails: {extract_first_line(error)}"
        )
        return
    if found != expected:
        yield Finding(
            SHAPES,
            str(case),
            f"expected {expected}, got {found}; the output size does not follow the factor",
        )


def _check_values(plain: LoadedGraph, optimised: LoadedGraph, case: Case) -> Iterator[Finding]:
    pair = case.make_image(batch=2)
    reference = np.concatenate([plain(image[None], case.scales, case.quality) for image in pair])
    if not np.isfinite(reference).all():
        yield Finding(VALUES, str(case), "expected finite numbers, got NaN or infinity")
        return
    for run, text in (
        (plain, "a batch of 2 differs from two runs"),
        (optimised, "a run of the optimised graph differs from one of the graph as it is"),
    ):
        error = _compute_difference(run(pair, case.scales, case.quality), reference)
        if not error <= MAX_TOLERANCE:
            yield Finding(
                VALUES, str(case), f"{text}: expected up to {MAX_TOLERANCE} levels, got {error:.3g}"
            )


def _check_quality(run: LoadedGraph) -> Iterator[Finding]:
    """Check that the output depends on the quality at some factor."""
    cases = [Case(QUALITY_SIZE, factor) for factor in FACTORS]
    found = [
        [run(case.make_image(), case.scales, quality) for quality in (None, *QUALITIES)]
        for case in cases
    ]
    if all(np.array_equal(result, each[0]) for each in found for result in each):
        text = "the same output at every quality: it is connected, but ignored"
        yield Finding(VALUES, QUALITY, text)


def _compute_difference(found: Float32, reference: Float32) -> float:
    if found.shape != reference.shape:
        return float("inf")
    return float(np.abs(found - reference).max())
