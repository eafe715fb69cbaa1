"""The sections about JPEGs of docs/quality.md. Its sentences hold for any figures of jpeg.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sections import Figures, format_table

from srcnn.quality.conditions import Condition

METHOD = """As above, and the shrunk picture is saved as a JPEG (colours at half the resolution), by
libjpeg's quality. Each figure is PSNR on Y over bicubic from the same JPEG, in dB: first with the
weights for sources without loss, then with those for the quality of the file, which a run reads off
the file itself."""

KERNELS = """Nobody knows how a JPEG was made small. The same, shrunk by Pillow's kernels and by
OpenCV's `INTER_CUBIC`, which does not smooth and so aliases."""

CLEAN_UP = """At x1 nothing is enlarged: the model cleans up. The pictures were halved first, so
that they carry no JPEG of their own."""


def at_a_glance(part: Figures) -> str:
    """Count in how many cases the weights for the quality are better."""
    cells = list(_list_cells(part))
    over_bicubic = [cell["ours"] - cell["bicubic"] for _, cell in cells]
    over_clean = [cell["ours"] - cell["clean"] for _, cell in cells]
    worst = min(range(len(cells)), key=lambda index: over_bicubic[index])
    return (
        f"On JPEGs, the bundled weights for the quality are better than bicubic in "
        f"{sum(gain > 0 for gain in over_bicubic)} of {len(cells)} cases (a set at a factor and a "
        f"quality), by {over_bicubic[worst]:+.2f} dB in the worst ({cells[worst][0]}), and better "
        f"than their own weights for sources without loss in "
        f"{sum(gain > 0 for gain in over_clean)}, by {min(over_clean):+.2f} to "
        f"{max(over_clean):+.2f} dB."
    )


def _list_cells(part: Figures) -> Iterator[tuple[str, dict[str, float]]]:
    for dataset, cells in part["qualities"].items():
        for text, cell in cells.items():
            yield f"{dataset} {text}", cell


def by_quality(part: Figures) -> str:
    """Make a table: a row for each set and factor above 1, a column for each quality."""
    return _make_table(part, lambda condition: condition.factor > 1)


def clean_up(part: Figures) -> str:
    """Make the table of factor 1."""
    return _make_table(part, lambda condition: condition.factor == 1)


def _make_table(part: Figures, is_shown: Callable[[Condition], bool]) -> str:
    rows: dict[str, list[str]] = {}
    qualities: list[float] = []
    for dataset, cells in part["qualities"].items():
        for text, cell in cells.items():
            condition = Condition.parse(text)
            if not is_shown(condition):
                continue
            if condition.quality not in qualities:
                qualities.append(condition.quality)
            row = rows.setdefault(f"{dataset} x{condition.factor:g}", [])
            row.append(_format_gains(cell))
    head = ["dB over bicubic", *(f"q{quality:g}" for quality in qualities)]
    return format_table(head, [(name, *row) for name, row in rows.items()])


def by_kernel(part: Figures) -> str:
    """Make a table: a row for each condition, a column for each way of shrinking."""
    rows, head = [], ["dB over bicubic"]
    for dataset, conditions in part["kernels"].items():
        for text, cells in conditions.items():
            head = ["dB over bicubic", *cells]
            rows.append((f"{dataset} {text}", *(_format_gains(cell) for cell in cells.values())))
    return format_table(head, rows)


def _format_gains(cell: dict[str, float]) -> str:
    clean, ours = (cell[name] - cell["bicubic"] for name in ("clean", "ours"))
    return f"{clean:+.2f}, **{ours:+.2f}**"


def not_better(part: Figures) -> str:
    """List the cases in which the weights for the quality are not better."""
    cells = list(_list_cells(part))
    lines = []
    for name, than in (("bicubic", "bicubic"), ("clean", "the weights for sources without loss")):
        behind = [
            f"{case} ({cell['ours'] - cell[name]:+.2f} dB)"
            for case, cell in cells
            if cell["ours"] <= cell[name]
        ]
        lines.append(
            f"- On JPEGs, than {than}: not better in {len(behind)} of {len(cells)}: "
            f"{', '.join(behind)}."
            if behind
            else f"- On JPEGs, than {than}: better in all {len(cells)} cases."
        )
    return "\n".join(lines)
