"""Packages that only some functions need: the optional dependencies in pyproject.toml."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Collection
from typing import Literal

from srcnn.errors import UsageError

Extra = Literal["aws", "az", "dask", "export", "formats", "gs", "train"]

_EXPORT = {"torch": "torch", "onnxscript": "onnxscript"}
REQUIREMENTS: dict[Extra, dict[str, str]] = {
    "aws": {"prefect_aws": "prefect-aws==0.7.12"},
    "az": {"adlfs": "adlfs>=2026.8,<2027"},
    "dask": {"distributed": "distributed", "prefect_dask": "prefect-dask==0.3.7"},
    "export": _EXPORT,
    "formats": {
        "pillow_heif": "pillow-heif==1.8.1",
        "OpenImageIO": "OpenImageIO==3.2.2.0",
        "brotli": "brotli>=1.2,<2",
    },
    "gs": {"gcsfs": "gcsfs>=2026.9,<2027"},
    "train": {**_EXPORT, "skimage": "scikit-image"},
}
"""For each extra: the modules that it brings, and the requirement that installs each."""


def require_extra(extra: Extra, feature: str, modules: Collection[str] = ()) -> None:
    """Check that the packages of an extra are installed.

    Args:
        extra: its name in pyproject.toml.
        feature: what needs it, as the subject of the error message.
        modules: those of it that are needed; all if empty.

    Raises:
        UsageError: a package is missing. The message says how to install it.
    """
    if missing := describe_missing(extra, modules):
        raise UsageError(f"{feature} needs {missing}")


def describe_missing(extra: Extra, modules: Collection[str] = ()) -> str:
    """Describe which packages of an extra are missing, and how to install them.

    Args:
        extra: its name in pyproject.toml.
        modules: those of it that are needed; all if empty.

    Returns:
        The object of "needs"; empty if nothing is missing.
    """
    missing = [
        requirement
        for module, requirement in REQUIREMENTS[extra].items()
        if (module in modules or not modules) and importlib.util.find_spec(module) is None
    ]
    if not missing:
        return ""
    *others, last = (re.split("[=<>]", requirement)[0] for requirement in missing)
    names = f"{', '.join(others)} and {last}" if others else last
    return (
        f"{names}, which {'are' if len(missing) > 1 else 'is'} not installed: "
        f"pip install -e '.[{extra}]' -c constraints.txt in a checkout, or "
        f"pip install {' '.join(map(shlex.quote, missing))} elsewhere"
    )
