"""A Prefect server on PostgreSQL: a run is tracked there, as on SQLite."""

import asyncio
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from tests.support.paths import ROOT
from tests.support.servers.postgres import Postgres, find_binaries
from tests.support.servers.prefect_server import PrefectServer

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


def test_a_run_is_kept_in_postgres(pictures: Path) -> None:
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL with pg_trgm is installed (Debian: apt-get install postgresql)")
    with Postgres(binaries) as address:
        url = f"postgresql+asyncpg://prefect@{address}"
        with PrefectServer(PREFECT_API_DATABASE_CONNECTION_URL=url) as server:
            done = subprocess.run(
                [sys.executable, "flows/upscale.py", "--src", str(pictures)],
                cwd=ROOT,
                env=server.environment,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            assert not (server.home / "prefect.db").exists()
        ((flow, state, parameters, tasks),) = asyncio.run(rows(f"postgresql://prefect@{address}"))
    assert (flow, state) == ("batch-upscale", "COMPLETED")
    assert str(pictures) in str(parameters)
    assert isinstance(tasks, int)
    assert tasks >= 4  # load, plan, shards, report
