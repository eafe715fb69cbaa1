"""Types of options that the flows share: each is checked as it is read, and shown in one form."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from pydantic import AfterValidator, BeforeValidator, Field

from srcnn.batch.failure_limit import FAILURE_LIMIT_PATTERN, parse_failure_limit
from srcnn.geometry import SCALE_PATTERN, parse_scale
from srcnn.images.alpha import parse_colour
from srcnn.planning.globs import Patterns
from srcnn.storage.urls import check_url


def _text_of_number(value: object) -> object:
    """Python callers may write scale=2.5; its shortest text is what they meant."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


def _check_scale(text: str) -> str:
    parse_scale(text)
    return text


def _hex_colour(text: str) -> str:
    """One text for each colour, so that white and #fff make the same outputs."""
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
    BeforeValidator(_text_of_number),
    Field(json_schema_extra={"pattern": SCALE_PATTERN}),
    AfterValidator(_check_scale),
]
Colour = Annotated[str, AfterValidator(_hex_colour)]
Glob = Annotated[str, Field(min_length=1), AfterValidator(_check_pattern)]
FailureLimitText = Annotated[
    str,
    BeforeValidator(_text_of_number),
    Field(json_schema_extra={"pattern": FAILURE_LIMIT_PATTERN}),
    AfterValidator(_check_failure_limit),
]
# A list takes several values after one flag, and the flag may be given again.
Globs = Annotated[
    list[Glob], Parameter(consume_multiple=(1, None), negative=(), negative_iterable=())
]
Flag = Annotated[bool, Parameter(negative=())]
Track = Annotated[
    bool | None,
    Parameter(
        help="Track the run on the Prefect API, or on a temporary server where none is "
        "configured; only on an API that is configured, if unset."
    ),
]
