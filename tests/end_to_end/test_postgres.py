"""A Prefect server on PostgreSQL: runs are tracked and schedules come due, as on SQLite."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import cv2
import pytest

from tests.support.run_python import run_python
from tests.support.schedules import deploy_copies, resume_by_command, wait_for_first
from tests.support.servers.postgres import Postgres, find_binaries
from tests.support.servers.prefect_server import Deployment

RUNS = """
select flow.name, flow_run.state_type::text, flow_run.parameters::text, count(task_run.id)
from flow_run join flow on flow.id = flow_run.flow_id
left join task_run on task_run.flow_run_id = flow_run.id
group by flow.name, flow_run.id
"""


async def rows(url: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(RUNS)]
    finally:
        await connection.close()


@dataclass(frozen=True)
class Kept:
    """A server with our deployments, and the database that it keeps them in."""

    server: Deployment
    address: str


@pytest.fixture(scope="module")
def kept() -> Iterator[Kept]:
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL with pg_trgm is installed (Debian: apt-get install postgresql)")
    with Postgres(binaries) as address:
        database = {
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"postgresql+asyncpg://prefect@{address}"
        }
        with Deployment(database) as server:
            yield Kept(server, address)
            assert not (server.home / "prefect.db").exists()


def test_a_run_is_kept_in_postgres(kept: Kept, pictures: Path) -> None:
    done = run_python("flows/upscale.py", "--src", pictures, environment=kept.server.environment)
    assert done.returncode == 0, done.stderr
    ((flow, state, parameters, tasks),) = asyncio.run(rows(f"postgresql://prefect@{kept.address}"))
    assert (flow, state) == ("batch-upscale", "COMPLETED")
    assert str(pictures) in str(parameters)
    assert isinstance(tasks, int)
    assert tasks >= 4  # load, plan, shards, report


@pytest.mark.long  # test_schedules.py does it with the database of every server
def test_a_schedule_that_was_switched_on_makes_the_images(
    kept: Kept, pictures: Path, tmp_path: Path
) -> None:
    options = {"src": str(pictures), "dst": str(tmp_path / "out"), "scale": "3"}
    deploy_copies(kept.server, tmp_path / "prefect.yaml", {"nights": options})
    resume_by_command(kept.server, "nights")
    run = wait_for_first(kept.server, "nights")
    assert run.state_name == "Completed", kept.server.worker.tail()
    picture = cv2.imread(str(tmp_path / "out" / "cat.png"))
    assert picture is not None
    assert picture.shape == (120, 156, 3)
