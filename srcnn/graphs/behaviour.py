"""Rungs 4 and 5: run a graph at many sizes and factors; shapes first, then values.

A factor that is wired to Resize and then ignored passes every look at the graph.
Running it does not lie.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from srcnn.graphs.cases import MAX_TOLERANCE, Case, cases
from srcnn.graphs.findings import Finding, abridged
from srcnn.graphs.run import Runner, open_graph
from srcnn.runtime.onnx_session import first_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from srcnn.geometry import Factor
    from srcnn.graphs.cases import Float32

SHAPES = "shapes"
VALUES = "values"


def check_behaviour(content: bytes, fixed: Factor | None) -> list[Finding]:
    """Run a graph, at the factor that its card promises or at all.

    Args:
        content: the ONNX file; its signature is right.
        fixed: the fixed factor, or None.
    """
    try:
        plain, optimised = (open_graph(content, optimised=level) for level in (False, True))
    except Exception as error:  # noqa: BLE001 - the binding's exceptions share no other base
        return [Finding(SHAPES, "graph", f"ONNX Runtime cannot load it: {first_line(error)}")]
    chosen = cases(fixed)
    wrong = [finding for case in chosen for finding in _check_shape(plain, case)]
    if not wrong:
        wrong = [finding for case in chosen for finding in _check_values(plain, optimised, case)]
    return abridged(wrong)


def _check_shape(run: Runner, case: Case) -> Iterator[Finding]:
    expected = (1, 3, *case.size_out)
    try:
        found = run(case.image(), case.scales).shape
    except Exception as error:  # noqa: BLE001 - as above
        yield Finding(SHAPES, str(case), f"expected {expected}, it fails: {first_line(error)}")
        return
    if found != expected:
        yield Finding(
            SHAPES,
            str(case),
            f"expected {expected}, got {found}; the factor does not decide the size",
        )


def _check_values(plain: Runner, optimised: Runner, case: Case) -> Iterator[Finding]:
    pair = case.image(batch=2)
    reference = np.concatenate([plain(image[None], case.scales) for image in pair])
    if not np.isfinite(reference).all():
        yield Finding(VALUES, str(case), "expected finite numbers, got NaN or infinity")
        return
    for run, text in (
        (plain, "a batch of 2 differs from two runs"),
        (optimised, "ORT_ENABLE_ALL differs from ORT_DISABLE_ALL"),
    ):
        error = _difference(run(pair, case.scales), reference)
        if not error <= MAX_TOLERANCE:
            yield Finding(
                VALUES, str(case), f"{text}: expected up to {MAX_TOLERANCE} levels, got {error:.3g}"
            )


def _difference(found: Float32, reference: Float32) -> float:
    if found.shape != reference.shape:
        return float("inf")
    return float(np.abs(found - reference).max())
