"""The command line of the benchmarks, declared once."""

from __future__ import annotations

import argparse
from pathlib import Path

FIGURES = Path(__file__).parent / "results"
QUICK_FIGURES = FIGURES / "quick"  # ignored by git: figures of tiny inputs mean nothing


def make_parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser that shows a module's docstring as it is written."""
    return argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def make_benchmark_parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser with the option that every benchmark must have."""
    parser = make_parser(doc)
    parser.add_argument("--quick", action="store_true", help="tiny inputs, one round: a smoke test")
    return parser


def make_part_parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser for a benchmark that writes figures for a page."""
    parser = make_benchmark_parser(doc)
    parser.add_argument("--threads", type=int, help="cores to use; default: all that are allowed")
    parser.add_argument("--results", type=Path, help=f"folder of the figures; default: {FIGURES}")
    return parser
