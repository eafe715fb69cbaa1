"""How many images may fail before a run ends early."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.options.upscale import UpscaleOptions
from srcnn.batch.failure_limit import FAILURE_LIMIT_PATTERN, parse_failure_limit
from srcnn.errors import UsageError


@pytest.mark.parametrize(
    ("text", "failed", "requested", "goes_on"),
    [
        ("0", 0, 10, True),
        ("0", 1, 10, False),
        ("20", 20, 10**5, True),
        ("20", 21, 10**5, False),
        ("5%", 5, 100, True),
        ("5%", 6, 100, False),
        ("0%", 1, 100, False),
        ("0.1%", 100, 10**5, True),
        ("0.1%", 101, 10**5, False),
        ("33.3%", 333, 1000, True),
        ("100%", 7, 7, True),
    ],
)
def test_more_than_the_limit_ends_it(
    text: str,
    failed: int,
    requested: int,
    goes_on: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    assert parse_failure_limit(text).allows(failed, requested) is goes_on


@pytest.mark.parametrize("text", ["", "-1", "5 %", "101%", "100.1%", "1.5", "many", "5%%", "٣"])
def test_others_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=re.escape(repr(text))):
        parse_failure_limit(text)


@given(st.from_regex(FAILURE_LIMIT_PATTERN, fullmatch=True), st.integers(1, 1000))
def test_limits_run_from_none_to_all(text: str, requested: int) -> None:
    limit = parse_failure_limit(text)
    assert limit.allows(0, requested)
    allowed = [limit.allows(failed, requested) for failed in range(requested + 2)]
    assert allowed == sorted(allowed, reverse=True)


def test_the_schema_of_the_flow_holds_the_form() -> None:
    schema = json.dumps(UpscaleOptions.model_json_schema()["properties"]["max_failures"])
    assert json.dumps(FAILURE_LIMIT_PATTERN) in schema


def test_a_number_is_taken_as_its_text() -> None:
    assert UpscaleOptions(src="x", max_failures=5).max_failures == parse_failure_limit("5")  # type: ignore[arg-type]
