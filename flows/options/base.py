"""Option types that the flows share. Each is checked when it is parsed, and has one spelling."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from pydantic import AfterValidator, BeforeValidator, Field

from srcnn.batch.failure_limit import FAILURE_LIMIT_PATTERN, parse_failure_limit
from srcnn.geometry import SCALE_PATTERN, parse_scale
from srcnn.images.alpha import parse_colour
from srcnn.planning.globs import Patterns
from srcnn.storage.urls import check_url


def _number_to_text(value: object) -> object:
    """Converts a number to its shortest text: Python callers may write scale=2.5."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


def _check_scale(text: str) -> str:
    parse_scale(text)
    return text


def _normalize_colour(text: str) -> str:
    """Returns one spelling for each colour, so that white and #fff give the same outputs."""
    return "#{:02x}{:02x}{:02x}".format(*parse_colour(text))


def _check_failure_limit(text: str) -> str:
    parse_failure_limit(text)
    return text


def _check_pattern(text: str) -> str:
    Patterns([text])
    return text


Url = Annotated[str, Field(min_length=1), AfterValidator(check_url)]
ScaleText = Annotated[
    str,
    BeforeValidator(_number_to_text),
    Field(json_schema_extra={"pattern": SCALE_PATTERN}),
    AfterValidator(_check_scale),
]
Colour = Annotated[str, AfterValidator(_normalize_colour)]
Glob = Annotated[str, Field(min_length=1), AfterValidator(_check_pattern)]
FailureLimitText = Annotated[
    str,
    BeforeValidator(_number_to_text),
    Field(json_schema_extra={"pattern": FAILURE_LIMIT_PATTERN}),
    AfterValidator(_check_failure_limit),
]
# A list takes several values after one flag, and the flag may be repeated.
Globs = Annotated[
    list[Glob], Parameter(consume_multiple=(1, None), negative=(), negative_iterable=())
]
Flag = Annotated[bool, Parameter(negative=())]
Track = Annotated[
    bool | None,
    Parameter(
        help="Track the run on the Prefect API, or on a temporary server if none is configured. "
        "If unset, track it only if an API is configured."
    ),
]
