"""What flow runs are called: short, visible, and never in the way of a run."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from prefect import get_client
from prefect.flow_engine import run_flow

from flows.execution.run_names import format_name, name_after
from flows.options.upscale import UpscaleOptions
from flows.upscale import batch_upscale
from tests.support.marks import TRACKED

STARTED = datetime(2026, 11, 29, 2, 0, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("s3://photos/originals", "photos/originals 2026-11-29 02:00 UTC"),
        ("photos", "photos 2026-11-29 02:00 UTC"),
        ("a\x1b[31m\n", r"a\x1b[31m\n 2026-11-29 02:00 UTC"),
        ("", "2026-11-29 02:00 UTC"),
    ],
)
def test_a_name_says_what_is_read_and_when(place: str, name: str) -> None:
    assert format_name(place, STARTED) == name


def test_a_long_place_keeps_both_ends() -> None:
    name = format_name("s3://photos/" + "x" * 500 + "/2026", STARTED)
    assert name.startswith("photos/x")
    assert name.endswith("x/2026 2026-11-29 02:00 UTC")
    assert len(name) == 60 + len(" 2026-11-29 02:00 UTC")


def test_outside_of_a_flow_run_there_is_a_date_alone() -> None:
    assert name_after("src")().startswith("20")


@pytest.mark.usefixtures("prefect_server")
class TestOnAServer:
    """Runs that were created before they start, as those of deployments are."""

    pytestmark = TRACKED[1:]

    @pytest.mark.parametrize(
        ("given", "ending"),
        [("ivory-tetra", " UTC"), ("Friday, again", "Friday, again")],
        ids=["generated", "given"],
    )
    def test_a_run_keeps_the_name_that_it_was_given(
        self, given: str, ending: str, tmp_path: object
    ) -> None:
        options = UpscaleOptions(src=f"{tmp_path}/missing")
        with get_client(sync_client=True) as client:
            run = client.create_flow_run(batch_upscale, given)
            with pytest.raises(FileNotFoundError):
                run_flow(batch_upscale, flow_run=run, parameters={"options": options})
            assert client.read_flow_run(run.id).name.endswith(ending)

    def test_a_run_without_options_has_a_name_too(self) -> None:
        with get_client(sync_client=True) as client:
            run = client.create_flow_run(batch_upscale, "ivory-tetra")
            with pytest.raises(ValueError, match="the run has no options"):
                run_flow(batch_upscale, flow_run=run, parameters={})
            assert client.read_flow_run(run.id).name.startswith("20")
