"""Pydantic's errors in words."""

import pytest
from pydantic import BaseModel, Field, ValidationError, field_validator

from srcnn.validation_errors import describe_validation


class Inner(BaseModel):
    size: int = Field(1, ge=1)


class Outer(BaseModel):
    colour: str = "white"
    parts: list[Inner] = Field(default_factory=list)

    @field_validator("colour")
    @classmethod
    def _refuse_mauve(cls, colour: str) -> str:
        if colour == "mauve":
            raise ValueError("mauve is out of fashion")
        return colour


@pytest.fixture
def error() -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate({"colour": "mauve", "parts": [{}, {"size": 0}]})
    return caught.value


def test_every_problem_is_named_by_its_path(error: ValidationError) -> None:
    assert describe_validation(error) == (
        "colour: mauve is out of fashion; parts.1.size: Input should be greater than or equal to 1"
    )


def test_fields_may_have_other_names_and_inputs_be_shown(error: ValidationError) -> None:
    words = describe_validation(error, lambda path: "/".join(path).upper(), show_input=True)
    assert words == (
        "COLOUR: mauve is out of fashion; "
        "PARTS/1/SIZE: Input should be greater than or equal to 1, got 0"
    )


def test_what_is_no_json_at_all_is_not_repeated() -> None:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate_json("{" + "a" * 10_000)
    assert describe_validation(caught.value).startswith("the content: Invalid JSON: ")
    assert len(describe_validation(caught.value)) < 200
