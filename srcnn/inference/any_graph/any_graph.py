"""Run any graph on pictures of any size, in tiles if it can be cut, within a limit of memory.

What a graph needs is found once, on the first picture that is not small: see `measure_graph`.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from fractions import Fraction
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt
from cachetools import LRUCache

from srcnn.errors import ImageTooLargeError
from srcnn.geometry import Factor, Size
from srcnn.graphs.accepted_sizes import AcceptedSizes
from srcnn.graphs.graph_format import CLEAN, round_quality
from srcnn.graphs.graph_interface import GraphInterface
from srcnn.images.pixels import COLOURS
from srcnn.inference.any_graph.assemble import Assembly, Call, Planes
from srcnn.inference.any_graph.enlarged_picture import EnlargedPicture
from srcnn.inference.any_graph.graph_runner import GraphRunner
from srcnn.inference.any_graph.measure_graph import Study, study_graph
from srcnn.inference.any_graph.picture import Picture, Piece
from srcnn.inference.any_graph.tile_plan import Machine, TilePlan
from srcnn.inference.config import InferenceConfig
from srcnn.inference.engine.tile_pool import TilePool
from srcnn.runtime.allocator import return_large_blocks
from srcnn.runtime.cores import pool
from srcnn.runtime.onnx_session import make_session
from srcnn.runtime.shared_lock import SharedLock

Array = npt.NDArray[Any]
# Smaller pictures run whole without a study: `describe` has run one of about this size.
_SMALL_PIXELS = 64 * 64
# A factor with a larger one would leave few places where a tile may begin.
_MAX_DENOMINATOR = 8
_MAX_STUDIES = 512  # of factors and qualities; each takes a second to make, and under a kB
_MEGA = 1_000_000
_BLENDED = "tiles blended: the model sees the whole picture, so the result differs slightly"


class AnyGraph:
    """Runs a graph; threads may share it."""

    def __init__(self, content: bytes, info: GraphInterface, config: InferenceConfig) -> None:
        """Load the graph.

        Args:
            content: of the ONNX file, with axes that were freed.
            info: how to run it.
            config: how to compute.

        Raises:
            ModelError: ONNX Runtime cannot load it.
            UsageError: the provider is not available.
        """
        return_large_blocks()
        self._content = content
        self._picture = EnlargedPicture if info.enlarge_first else Picture
        self._info = replace(info, enlarge_first=False)
        threads = config.thread_count
        self._machine = Machine(config.budget_bytes, threads, config.tile_px)
        self._pool = TilePool(partial(pool, threads), threads)
        self._load = partial(make_session, content, config.provider, keeps_plans=False)
        self._session = self._load(1)
        self._studies: LRUCache[tuple[Factor, float], Study] = LRUCache(_MAX_STUDIES)
        self._studying = threading.Lock()
        # Tiles of several pictures share the budget; others may take all of it.
        self._budget = SharedLock()

    @property
    def tiles_bytes(self) -> int:
        """What tiles may take at a time, besides the pictures and their results."""
        return self._machine.budget_bytes

    def enlarge(
        self,
        image: Array,
        result: Array,
        quality: float,
        raise_if_cancelled: Callable[[], None],
    ) -> tuple[str, ...]:
        """Run the graph on a picture; see `engine.Engine.enlarge`.

        If its factor is fixed, and the result has another size, what the graph returns is resized,
        tile by tile: it is never held as a whole unless the graph can only be run whole.

        Returns:
            Notes for the report: whether it was resized, and whether tiles were blended.

        Raises:
            ImageTooLargeError: the graph cannot be cut, or its smallest tile takes more memory than
                tiles may, and the picture is too large to be run whole.
            InferenceFailedError: a value is not finite, an output has the wrong size, or the
                runtime fails.
        """
        size_out = Size(*result.shape[:2])
        # As our own graphs do, so that few qualities are studied.
        quality = round_quality(quality) if self._info.quality else CLEAN
        picture = self._picture(image, result, self._info.rounding, size_out, quality)
        size_in = picture.size_in
        size_graph = self._info.find_graph_size(size_in, size_out)
        picture = replace(picture, size_graph=size_graph)
        notes = self._info.list_resizing(size_in, size_out)
        if self._is_small(size_in):
            self._run_whole(picture, raise_if_cancelled)
            return notes
        factor = self._info.fixed or _find_factor(size_in, size_graph)
        fits = factor is not None
        view = self._view(factor or _round_up(size_in, size_graph))
        study = self._find_study(view, quality, raise_if_cancelled)
        if fits and study.plan and not self._is_whole_better(study, size_in):
            self._run_tiles(picture, view, study, study.plan, raise_if_cancelled)
            return (*notes, _BLENDED) if study.rule.is_blended else notes
        self._check_whole(study, size_in, fits)
        self._run_whole(picture, raise_if_cancelled)
        return notes

    def _is_small(self, size: Size) -> bool:
        only = self._info.sizes.only
        if only:
            return size.height <= only.height and size.width <= only.width
        return size.pixels <= _SMALL_PIXELS

    def _view(self, factor: Factor) -> GraphInterface:
        """Return how to run the graph with one factor."""
        if self._info.fixed:
            return self._info
        whole = math.lcm(factor.height.denominator, factor.width.denominator)
        return replace(self._info, fixed=factor, sizes=AcceptedSizes(whole))

    def _find_study(
        self, view: GraphInterface, quality: float, raise_if_cancelled: Callable[[], None]
    ) -> Study:
        key = view.default_scale, quality
        with self._studying:
            if key not in self._studies:
                runner = GraphRunner(self._all_threads, view, quality)
                with self._budget.alone():
                    self._studies[key] = study_graph(
                        self._content, view, runner, self._machine, raise_if_cancelled
                    )
            return self._studies[key]

    @cached_property
    def _all_threads(self) -> Any:
        threads = self._machine.threads
        return self._load(threads) if threads > 1 else self._session

    def _is_whole_better(self, study: Study, size: Size) -> bool:
        """Whether the whole picture fits, and tiles would differ from it."""
        needed_bytes = study.memory.predict(size.pixels)
        blended = study.rule.is_blended and not self._info.sizes.only
        return blended and needed_bytes <= self._machine.budget_bytes

    def _check_whole(self, study: Study, size: Size, fits: bool) -> None:  # noqa: FBT001
        needed_bytes = study.memory.predict(size.pixels)
        if needed_bytes > self._machine.budget_bytes:
            reason = (
                study.refusal
                if fits
                else "its factor leaves no place where a tile could begin; a whole factor does"
            )
            raise ImageTooLargeError(
                f"the model takes about {needed_bytes // _MEGA} MB of memory for {size} px, more "
                f"than the {self._machine.budget_bytes // _MEGA} MB that it may take "
                f"(SRCNN_TILES_MEGABYTES), and cannot be run in tiles: {reason}"
            )

    def _run_whole(self, picture: Picture, raise_if_cancelled: Callable[[], None]) -> None:
        with self._budget.alone():
            raise_if_cancelled()
            runner = GraphRunner(self._all_threads, self._info, picture.quality)
            height, width = picture.size_in
            planes = picture.read(slice(0, height), slice(0, width))
            result = runner.run(planes, raise_if_cancelled, picture.size_graph)
            picture.write(slice(0, len(result)), slice(0, result.shape[1]), Piece(result))

    def _find_most_rows(self, study: Study, picture: Picture) -> int:
        """Return the height of tiles with which a strip takes a quarter of the budget."""
        if not study.rule.is_blended:
            return picture.size_in.height
        row_bytes = picture.size_graph.width * COLOURS * np.dtype(np.float32).itemsize
        factor = picture.size_graph.height / picture.size_in.height
        return int(self._machine.budget_bytes / (4 * row_bytes * factor))

    def _run_tiles(
        self,
        picture: Picture,
        view: GraphInterface,
        study: Study,
        plan: TilePlan,
        raise_if_cancelled: Callable[[], None],
    ) -> None:
        session = self._session if plan.is_parallel else self._all_threads
        runner = GraphRunner(session, view, picture.quality)
        is_blended = study.rule.is_blended

        def run(planes: Planes) -> Planes:
            return runner.run(planes, raise_if_cancelled)

        def run_calls(calls: Iterable[Call]) -> None:
            watched = _watch(calls, raise_if_cancelled)
            if plan.is_parallel:
                self._pool.run(watched)
                return
            for call in watched:
                with nullcontext() if is_blended else self._budget.alone():
                    call()

        height, width = picture.size_in
        factor = view.default_scale
        # A tile is resized by itself, so it needs what its pixels are computed from.
        extra_rows = math.ceil(picture.reach.height / factor.height)
        extra_columns = math.ceil(picture.reach.width / factor.width)
        most_rows = self._find_most_rows(study, picture)
        rows = plan.rows.widen(extra_rows).limit(most_rows).cut(height)
        columns = plan.columns.widen(extra_columns).cut(width)
        assembly = Assembly(
            picture.read, run, picture.write, run_calls, factor, picture.reach.height
        )
        if is_blended:
            with self._budget.alone():  # besides tiles, it holds a strip of floats
                assembly.blend(rows, columns, picture.size_graph)
        else:
            with self._budget.shared() if plan.is_parallel else nullcontext():
                assembly.join(rows, columns)


def _watch(calls: Iterable[Call], raise_if_cancelled: Callable[[], None]) -> Iterator[Call]:
    for call in calls:
        raise_if_cancelled()
        yield call


def _find_factor(size_in: Size, size_out: Size) -> Factor | None:
    """Return the factor if it has places where a tile may begin."""
    height, width = (
        Fraction(after, before) for before, after in zip(size_in, size_out, strict=True)
    )
    is_simple = max(height.denominator, width.denominator) <= _MAX_DENOMINATOR
    return Factor(height, width) if is_simple else None


def _round_up(size_in: Size, size_out: Size) -> Factor:
    height, width = (
        Fraction(-(-after // before)) for before, after in zip(size_in, size_out, strict=True)
    )
    return Factor(height, width)
