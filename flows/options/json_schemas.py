"""JSON schemas of options, by which a Prefect server checks a run's parameters.

The server checks them before our code runs, and its messages repeat the schema. An `enum` in `else`
makes it say what was expected, where a `pattern` would make it quote a regular expression.
"""

from __future__ import annotations

from typing import Any

from pydantic.config import JsonDict

from srcnn.batch.failure_limit import FAILURE_LIMIT_PATTERN
from srcnn.geometry import MAX_FACTOR, MIN_FACTOR
from srcnn.parse_scale import FACTOR_PATTERN, SCALE_HELP, SCALE_PATTERN
from srcnn.planning.name_template import NAME_HELP, NAME_PATTERN
from srcnn.source_quality import QUALITY_HELP, QUALITY_PATTERN

_NULL: JsonDict = {"type": "null"}


def _describe(expected: str, *allowed: JsonDict) -> JsonDict:
    """Return a schema whose errors say what was expected.

    Args:
        expected: what the message says.
        allowed: schemas of which a value must meet one; each has a `type`.
    """
    types: list[Any] = [{"type": each["type"]} for each in allowed]
    return {
        "anyOf": types,  # what the forms show
        "if": {"anyOf": list(allowed)},
        "else": {"enum": [expected]},
    }


_FACTOR: JsonDict = {"type": "number", "minimum": MIN_FACTOR, "maximum": MAX_FACTOR}
_RANGE = f"factors run from {MIN_FACTOR} to {MAX_FACTOR}"
SCALE = _describe(
    f"{SCALE_HELP}; {_RANGE}", {"type": "string", "pattern": SCALE_PATTERN}, _FACTOR, _NULL
)
FIXED_FACTOR = _describe(
    f"a factor (3, 2.5), or height by width (2x3); {_RANGE}",
    {"type": "string", "pattern": FACTOR_PATTERN},
    _FACTOR,
    _NULL,
)
SOURCE_QUALITY = _describe(
    QUALITY_HELP,
    {"type": "string", "pattern": QUALITY_PATTERN},
    {"type": "number", "minimum": 1, "maximum": 100},
)
NAME = _describe(NAME_HELP, {"type": "string", "pattern": NAME_PATTERN}, _NULL)
FAILURE_LIMIT = _describe(
    "a number of images such as 20, or a share such as 5%",
    {"type": "string", "pattern": FAILURE_LIMIT_PATTERN},
    {"type": "integer", "minimum": 0},
    _NULL,
)
SHA256 = _describe(
    "the first 8 to 64 hex digits of a sha256",
    {"type": "string", "pattern": "^[0-9A-Fa-f]{8,64}$"},
    _NULL,
)
_NUMBER = r"[0-9]+(\.[0-9]+)?"
FACTORS_PATTERN = rf"^{_NUMBER}(,{_NUMBER})*$"
FACTORS = _describe(
    "factors separated by commas, such as 1.5,2,3",
    {"type": "string", "pattern": FACTORS_PATTERN},
    {"type": "array", "items": {"type": "number"}},
)
_QUALITY = rf"({_NUMBER}|clean)"
QUALITIES = _describe(
    "qualities separated by commas, such as 60,75,90,clean",
    {"type": "string", "pattern": rf"^{_QUALITY}(,{_QUALITY})*$"},
    {"type": "array", "items": {"type": ["number", "string"]}},
)
