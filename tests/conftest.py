"""Fixtures that several files share: real pictures, models, command lines, a Prefect server."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import pytest
from hypothesis import settings
from onnx import TensorProto, helper, numpy_helper

from tests.support.one_server import OneServer
from tests.support.paths import REFERENCE
from tests.support.run_python import Run, run_python
from tests.support.servers.prefect_server import Deployment
from tests.support.servers.seaweedfs import S3Server, SeaweedFS

# No deadline: the time that an example takes says more of the machine than of the code.
settings.register_profile("project", deadline=None)
settings.load_profile("project")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneServer | None:
    """Replace the scheduler of `--dist loadfile`."""
    return OneServer(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture(scope="session", autouse=True)
def _heed_signals() -> None:
    """The tests may run under nohup, or in the background of a script, which ignore signals."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def reference() -> Path:
    """The reference data, when present."""
    if not REFERENCE.is_dir():
        pytest.skip("the reference data is not beside this checkout")
    return REFERENCE


@pytest.fixture(scope="session")
def photograph() -> npt.NDArray[np.uint8]:
    """A cat, (150, 225, 3) uint8 BGR; scikit-image's chelsea at half its size."""
    from skimage import data  # noqa: PLC0415 - slow to import, and not every test needs it

    half: npt.NDArray[np.uint8] = cv2.cvtColor(data.chelsea(), cv2.COLOR_RGB2BGR)[::2, ::2]
    return np.ascontiguousarray(half)


@pytest.fixture
def pictures(tmp_path: Path, photograph: npt.NDArray[np.uint8]) -> Path:
    """A folder of small real pictures, in several formats and folders."""
    folder = tmp_path / "pictures"
    (folder / "cats" / "more cats").mkdir(parents=True)
    cv2.imwrite(str(folder / "cat.png"), photograph[:40, :52])
    cv2.imwrite(str(folder / "cats" / "eye.jpg"), photograph[50:90, 90:141])
    cv2.imwrite(str(folder / "cats" / "more cats" / "nose [1].webp"), photograph[60:101, 100:133])
    cv2.imwrite(str(folder / "grey.tiff"), photograph[:30, :31, 1])
    return folder


@pytest.fixture
def clean_environment() -> dict[str, str]:
    """This process's variables as the test has them, without settings of ours and of Prefect's."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SRCNN_", "PREFECT_"))
    }


@pytest.fixture
def run(clean_environment: dict[str, str]) -> Run:
    """Run a script of the project as a user does; no Prefect API, no settings of the machine."""

    def call(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return run_python(*arguments, environment=clean_environment | environment)

    return call


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """Prefect's own server on a database of its own, for all tests that track."""
    from prefect.testing.utilities import prefect_test_harness  # noqa: PLC0415 - slow to import

    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """A real S3 server on loopback."""
    with SeaweedFS() as server:
        yield server


@pytest.fixture
def bucket(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a new bucket, which this process may use; `run` passes the variables on."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return f"s3://{s3_server.make_bucket()}"


@pytest.fixture(scope="session")
def deployment(s3_server: S3Server) -> Iterator[Deployment]:
    """A Prefect server of its own, our deployments, and a worker that alone may use the bucket."""
    with Deployment(**s3_server.environment) as running:
        yield running


@pytest.fixture(scope="session")
def make_bank() -> Callable[..., dict[str, Any]]:
    """Weights of a bank as its checkpoint holds them, at random."""
    import torch  # noqa: PLC0415 - slow to import, and not every test needs it

    from srcnn.export.srcnn_network import Srcnn  # noqa: PLC0415 - as above

    def make(*anchors: float, seed: int = 0, channels: int = 3) -> dict[str, Any]:
        torch.manual_seed(seed)
        networks = [Srcnn(channels).state_dict() for _ in anchors]
        stacked = {
            name: torch.stack([network[name] for network in networks]) for name in networks[0]
        }
        return stacked | {"anchors": torch.tensor(anchors, dtype=torch.float32)}

    return make


@pytest.fixture(scope="session")
def make_graph() -> Callable[..., bytes]:
    """Other people's upscalers: small ONNX graphs of many forms."""

    def make(  # noqa: PLR0913 - each is one way in which graphs differ
        *,
        factor: int | None = 2,
        channels: Any = 3,
        batch: Any = "N",
        size: tuple[Any, Any] = ("H", "W"),
        element: int = TensorProto.FLOAT,
        output: int | None = None,
        gain: float = 1.0,
        middle: str = "enlarged",
    ) -> bytes:
        """Nearest-neighbour upscaling by `factor`, or by an input `factor` where it is None."""
        image = helper.make_tensor_value_info("image", element, [batch, channels, *size])
        given = element if output is None else output
        result = helper.make_tensor_value_info("result", given, [batch, channels, None, None])
        inputs, constants = [image], []
        if factor is None:
            inputs.append(helper.make_tensor_value_info("factor", TensorProto.FLOAT, [4]))
        else:
            scales = np.array([1, 1, factor, factor], dtype=np.float32)
            constants.append(numpy_helper.from_array(scales, "factor"))
        kind = helper.tensor_dtype_to_np_dtype(given)
        constants.append(numpy_helper.from_array(np.array(gain, dtype=kind), "gain"))
        nodes = [
            helper.make_node("Resize", ["image", "", "factor"], ["larger"], mode="nearest"),
            helper.make_node("Cast", ["larger"], [middle], to=given),
            helper.make_node("Mul", [middle, "gain"], ["result"]),
        ]
        graph = helper.make_graph(nodes, "other", inputs, [result], initializer=constants)
        opset = helper.make_opsetid("", 14)
        content: bytes = helper.make_model(
            graph, opset_imports=[opset], ir_version=onnx.IR_VERSION_2021_7_30
        ).SerializeToString()
        return content

    return make
