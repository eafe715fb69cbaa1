"""The option models: what the server refuses before a run, and what they never repeat."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from flows.options.export import ExportOptions
from flows.options.train import TrainOptions
from flows.options.upscale import UpscaleOptions
from srcnn.errors import UsageError
from srcnn.geometry import SCALE_PATTERN, Target, parse_scale

SCALES = st.one_of(
    st.integers(0, 40).map(str),
    st.decimals(0, 40, places=3).map(str),
    st.tuples(st.integers(0, 20), st.decimals(0, 20, places=2)).map(
        lambda pair: f"{pair[0]}x{pair[1]}"
    ),
    st.integers(0, 10**9 - 1).map(lambda pixels: f"width={pixels}"),
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


@pytest.mark.parametrize("model", [UpscaleOptions, ExportOptions, TrainOptions])
def test_every_option_is_described(model: type[BaseModel]) -> None:
    for name, field in model.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


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
        ({"scale": "width=0100"}, {"scale": "width=0100"}),
        ({"scale": Target("width", 100)}, {"scale": "width=100"}),
        ({"max_failures": 5}, {"max_failures": "5"}),
        ({"max_failures": "5.0%"}, {"max_failures": "5.0%"}),
        ({"flatten": "White"}, {"flatten": "#ffffff"}),
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
    [{"scale": True}, {"scale": ["2"]}, {"include": [5]}, {"flatten": 5}, {"max_failures": True}],
    ids=str,
)
def test_values_of_another_type_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="expected text"):
        UpscaleOptions(src="a", **wrong)
