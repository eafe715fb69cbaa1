"""The option models: what the server refuses before a run, and what they never repeat."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect.exceptions import ParameterTypeError
from prefect.utilities.callables import get_call_parameters, parameter_schema
from prefect.utilities.schema_tools.validation import ValidationError as ParameterError
from prefect.utilities.schema_tools.validation import validate
from pydantic import BaseModel, ValidationError

from flows.export import export_srcnn
from flows.options.export import ExportOptions
from flows.options.train import TrainOptions
from flows.options.upscale import UpscaleOptions
from flows.train import train_srcnn
from flows.upscale import batch_upscale
from srcnn.errors import UsageError
from srcnn.geometry import PixelCount, Target
from srcnn.parse_scale import SCALE_HELP, SCALE_PATTERN, parse_scale

SCALES = st.one_of(
    st.integers(0, 40).map(str),
    st.decimals(0, 40, places=3).map(str),
    st.tuples(st.integers(0, 20), st.decimals(0, 20, places=2)).map(
        lambda pair: f"{pair[0]}x{pair[1]}"
    ),
    st.integers(0, 10**9 - 1).map(lambda pixels: f"width={pixels}"),
    st.tuples(st.integers(0, 10**9 - 1), st.integers(0, 50)).map(
        lambda box: f"box={box[0]}x{box[1]}"
    ),
    st.decimals(0, 40, places=8).map(lambda number: f"megapixels={number:f}"),
    st.text("0123456789.x=width", max_size=8),
)


@given(SCALES)
def test_the_schema_refuses_what_the_parser_refuses(text: str) -> None:
    """The server checks the schema alone; leading zeros are its only extra strictness."""
    try:
        scale = parse_scale(text)
    except UsageError:
        scale = None
    matched = re.search(SCALE_PATTERN, text) is not None
    if matched:
        assert scale is not None
    elif scale is not None:
        assert re.search(r"(^|[x=])0", text)


def test_the_schema_holds_every_bound() -> None:
    properties = UpscaleOptions.model_json_schema()["properties"]
    assert SCALE_PATTERN in json.dumps(properties["scale"]).encode().decode("unicode_escape")
    (quality,) = [part for part in properties["quality"]["anyOf"] if part["type"] == "integer"]
    assert (quality["minimum"], quality["maximum"]) == (1, 100)
    (workers,) = [part for part in properties["workers"]["anyOf"] if part["type"] == "integer"]
    assert (workers["minimum"], workers["maximum"]) == (1, 1024)


MODELS = pytest.mark.parametrize("model", [UpscaleOptions, ExportOptions, TrainOptions])


@MODELS
def test_every_option_is_described(model: type[BaseModel]) -> None:
    for name, field in model.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
        assert "<" not in field.description, f"{name}: Prefect's page takes it for HTML"


@MODELS
def test_forms_have_an_order_that_no_database_changes(model: type[BaseModel]) -> None:
    """Prefect's pages sort by `position`; PostgreSQL returns the keys by their length."""
    properties = model.model_json_schema()["properties"]
    by_position = sorted(properties, key=lambda name: properties[name]["position"])
    assert by_position == list(model.model_fields)


def check_as_server(options: dict[str, Any], flow: Any = batch_upscale) -> None:
    """Check a run's parameters as Prefect's server does."""
    schema = parameter_schema(flow.fn).model_dump_for_openapi()
    validate({"options": options}, schema, raise_on_error=True)


@pytest.mark.parametrize(
    "scale", [2, 2.5, 16, "2", "2x3", "width=1920", "box=9x8", "megapixels=0.5", None]
)
def test_the_server_takes_a_scale_as_number_or_text(scale: object) -> None:
    check_as_server({"src": "a", "scale": scale})
    assert UpscaleOptions.model_validate({"src": "a", "scale": scale}).src == "a"


@pytest.mark.parametrize("scale", [99, 0.5, "99", "twice", True, ["2"]])
def test_the_server_refuses_a_scale_with_the_words_of_the_command_line(scale: object) -> None:
    with pytest.raises(ParameterError) as caught:
        check_as_server({"src": "a", "scale": scale})
    words = f"Failure reason: {scale!r} is not one of ['{SCALE_HELP}; factors run from 1 to 16']"
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("flow", "good", "wrong", "words"),
    [
        (batch_upscale, {"max_failures": 5}, {"max_failures": -1}, "a share such as 5%"),
        (batch_upscale, {"max_failures": "5%"}, {"max_failures": "x"}, "a share such as 5%"),
        (batch_upscale, {"source_quality": "clean"}, {"source_quality": "best"}, "auto, clean, or"),
        (batch_upscale, {"name": "{stem}{ext}"}, {"name": "{x}"}, "a name with {folder}, {stem}"),
        (batch_upscale, {"source_quality": 75}, {"source_quality": 0}, "quality from 1 to 100"),
        (export_srcnn, {"scale": 2.5}, {"scale": "width=5"}, "height by width (2x3)"),
        (export_srcnn, {"sha256": "0123abcd"}, {"sha256": "0x"}, "hex digits"),
        (train_srcnn, {"factors": [1.5, 2]}, {"factors": "x"}, "such as 1.5,2,3"),
        (train_srcnn, {"factors": "1.5,2"}, {"factors": 2}, "such as 1.5,2,3"),
    ],
    ids=lambda each: str(getattr(each, "name", each)),
)
def test_no_refusal_quotes_a_regular_expression(
    flow: Any, good: dict[str, Any], wrong: dict[str, Any], words: str
) -> None:
    required = {} if flow is export_srcnn else {"src": "a"}
    check_as_server(required | good, flow)
    with pytest.raises(ParameterError) as caught:
        check_as_server(required | wrong, flow)
    assert words in str(caught.value)
    assert "^" not in str(caught.value)


@pytest.mark.parametrize("flow", [batch_upscale, export_srcnn, train_srcnn], ids=lambda f: f.name)
def test_a_run_without_options_says_where_they_belong(flow: Any) -> None:
    assert parameter_schema(flow.fn).required == ["options"]
    parameters = get_call_parameters(flow.fn, (), {})  # as Prefect does for a run without any
    with pytest.raises(UsageError, match="in the deployment's `parameters`"):
        flow.fn(**flow.validate_parameters(parameters))


def test_a_schedule_with_an_option_that_is_gone_says_so() -> None:
    options = {"src": "a", "precision": "exact"}
    with pytest.raises(ParameterTypeError, match=r"precision is gone, .*: remove it"):
        batch_upscale.validate_parameters({"options": options})
    with pytest.raises(ParameterError, match="precision"):  # where a run is created by hand
        check_as_server(options)


@pytest.mark.parametrize(
    ("model", "options"),
    [
        (UpscaleOptions, {"src": "s3://key:hunter2@bucket/a"}),
        (UpscaleOptions, {"src": "a", "dst": "https://host/a?X-Amz-Signature=hunter2"}),
        (UpscaleOptions, {"src": "a", "model": "https://ann:hunter2@host/a.onnx"}),
        (UpscaleOptions, {"src": "a", "scales": "https://ann:hunter2@host/a.csv"}),
        (UpscaleOptions, {"src": "a", "report": "https://ann:hunter2@host/a.json"}),
        (ExportOptions, {"checkpoint": "https://ann:hunter2@host/a-12345678.pth"}),
        (ExportOptions, {"dst": "s3://key:hunter2@bucket"}),
        (TrainOptions, {"src": "s3://key:hunter2@bucket/a"}),
        (TrainOptions, {"src": "a", "dst": "https://ann:hunter2@host/models"}),
    ],
)
def test_credentials_are_refused_and_not_repeated(
    model: type[BaseModel], options: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError, match="credentials") as caught:
        model(**options)
    assert "hunter2" not in str(caught.value)


def test_options_survive_json() -> None:
    options = UpscaleOptions(src="a", scale="2x3", include=["*.png"], quality=3)
    assert UpscaleOptions(**json.loads(options.model_dump_json())) == options
    assert isinstance(parse_scale("longest=5"), Target)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"scale": "2.50"}, {"scale": "2.50"}),
        ({"scale": " 2x3.0"}, {"scale": " 2x3.0"}),
        ({"scale": 2.5}, {"scale": "2.5"}),
        ({"name": "{stem}@2x{ext}"}, {"name": "{stem}@2x{ext}"}),
        ({"scale": "box=1200x0800"}, {"scale": "box=1200x0800"}),
        ({"scale": PixelCount(4_000_000)}, {"scale": "megapixels=4"}),
        ({"scale": "width=0100"}, {"scale": "width=0100"}),
        ({"scale": Target("width", 100)}, {"scale": "width=100"}),
        ({}, {"source_quality": "auto"}),
        ({"source_quality": 75}, {"source_quality": "75"}),
        ({"source_quality": " clean"}, {"source_quality": "clean"}),
        ({"source_quality": "87.50"}, {"source_quality": "87.5"}),
        ({"max_failures": 5}, {"max_failures": "5"}),
        ({"max_failures": "5.0%"}, {"max_failures": "5.0%"}),
        ({"flatten": "White"}, {"flatten": "#ffffff"}),
        ({"format": "jpeg"}, {"format": "jpg"}),
        ({"format": "tif"}, {"format": "tiff"}),
        ({"include": [" *.png", "./d/"]}, {"include": [" *.png", "./d/"]}),
        ({"src": "photos/"}, {"src": "photos/"}),
    ],
    ids=str,
)
def test_options_are_shown_as_they_were_given_and_read_back(
    given: dict[str, Any], shown: dict[str, Any]
) -> None:
    """A report repeats them, and a server keeps them as parameters; colours have one form."""
    options = UpscaleOptions(**({"src": "a"} | given))
    assert options.model_dump().items() >= shown.items()
    assert UpscaleOptions(**json.loads(options.model_dump_json())) == options


@pytest.mark.parametrize(
    "wrong",
    [
        {"scale": True},
        {"scale": ["2"]},
        {"include": [5]},
        {"flatten": 5},
        {"max_failures": True},
        {"source_quality": None},
    ],
    ids=str,
)
def test_values_of_another_type_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="expected text"):
        UpscaleOptions(src="a", **wrong)
