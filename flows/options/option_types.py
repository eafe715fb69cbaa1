"""Types of options that the flows share: read once, checked as they are read, shown as text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar, get_args

from cyclopts import Parameter, Token
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)

from flows.options import json_schemas
from srcnn.batch.failure_limit import FailureLimit, parse_failure_limit
from srcnn.errors import UsageError
from srcnn.geometry import Scale
from srcnn.images.colour import Colour, parse_colour
from srcnn.images.formats import Format
from srcnn.parse_scale import parse_scale
from srcnn.planning.globs import Glob, parse_glob
from srcnn.planning.name_template import NameTemplate, parse_name
from srcnn.source_quality import SourceQuality, parse_source_quality
from srcnn.storage.s3_metadata_headers import check_header
from srcnn.storage.url_credentials import check_url

T = TypeVar("T")


def _read_token(_type: Any, tokens: Sequence[Token]) -> str:
    """Return the text of an argument, which the option's validator parses."""
    return tokens[0].value


def _validate(
    kind: type[T] | tuple[type[T], ...], parse: Callable[[str], T], *, numbers: bool = False
) -> PlainValidator:
    """Parse text, or a number if Python callers may write one; parsed values pass."""

    def read(value: object) -> T:
        if isinstance(value, kind):
            return value
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not ((numbers and is_number) or isinstance(value, str)):
            raise UsageError(f"expected text, got {type(value).__name__}")
        return parse(str(value))

    return PlainValidator(read)


def _number_to_text(value: object) -> object:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


_AS_TEXT = PlainSerializer(str, return_type=str)
_ONE_ARGUMENT = Parameter(converter=_read_token, n_tokens=1, accepts_keys=False)

Url = Annotated[str, Field(min_length=1), AfterValidator(check_url), Parameter(metavar="URL")]
HeaderText = Annotated[str, AfterValidator(check_header), Parameter(metavar="TEXT")]
# Extensions that stand for a format. The schema lists them last: the server checks it first.
_FORMAT_NAMES = {"jpeg": "jpg", "tif": "tiff"}
FormatOption = Annotated[
    Format,
    BeforeValidator(lambda name: _FORMAT_NAMES.get(name, name) if isinstance(name, str) else name),
    WithJsonSchema({"type": "string", "enum": [*get_args(Format), *_FORMAT_NAMES]}),
]
ScaleOption = Annotated[
    Scale,
    _validate(get_args(Scale), parse_scale, numbers=True),
    PlainSerializer(lambda scale: scale.given or str(scale), return_type=str),
    WithJsonSchema({"type": "string"}),
    _ONE_ARGUMENT,
    Parameter(metavar="SCALE"),
]
SourceQualityOption = Annotated[
    SourceQuality,
    _validate(SourceQuality, parse_source_quality, numbers=True),
    _AS_TEXT,
    WithJsonSchema(json_schemas.SOURCE_QUALITY),
    _ONE_ARGUMENT,
    Parameter(metavar="QUALITY"),
]
NameOption = Annotated[
    NameTemplate,
    _validate(NameTemplate, parse_name),
    _AS_TEXT,
    WithJsonSchema({"type": "string"}),
    _ONE_ARGUMENT,
    Parameter(metavar="TEMPLATE"),
]
FixedFactor = Annotated[str, BeforeValidator(_number_to_text), Field(max_length=32)]
ColourOption = Annotated[
    Colour,
    _validate(Colour, parse_colour),
    _AS_TEXT,
    WithJsonSchema({"type": "string"}),
    _ONE_ARGUMENT,
]
FailureLimitOption = Annotated[
    FailureLimit,
    _validate(FailureLimit, parse_failure_limit, numbers=True),
    _AS_TEXT,
    WithJsonSchema({"type": "string"}),
    _ONE_ARGUMENT,
    Parameter(metavar="LIMIT"),
]
GlobOption = Annotated[
    Glob,
    _validate(Glob, parse_glob),
    _AS_TEXT,
    WithJsonSchema({"type": "string", "minLength": 1}),
    _ONE_ARGUMENT,
]
# A list takes several values after one flag, and the flag may be repeated.
GlobsOption = Annotated[
    list[GlobOption], Parameter(consume_multiple=(1, None), negative=(), negative_iterable=())
]
Flag = Annotated[bool, Parameter(negative=())]
Track = Annotated[
    bool | None,
    Parameter(
        help="Track the run in Prefect: on the configured API, or on a temporary server if none "
        "is configured. Default: only if an API is configured."
    ),
]
