"""A run of a session ends when its caller must not wait any longer."""

from __future__ import annotations

import os
import signal
import threading
import time

import numpy as np
import onnxruntime
import pytest

from srcnn.batch.cancellation import Cancellation
from srcnn.errors import ModelError, NotAttemptedError
from srcnn.graphs.describe import describe
from srcnn.graphs.graph_interface import GraphInterface
from srcnn.inference.any_graph.graph_runner import GraphRunner
from srcnn.runtime.onnx_session import make_session
from srcnn.runtime.stoppable_run import make_deadline, run_stoppably
from tests.support.graphs.hostile import make_loop, make_model

FEEDS = {"image": np.zeros((1, 3, 4, 5), dtype=np.float32)}


@pytest.fixture
def endless() -> onnxruntime.InferenceSession:
    """A graph that would not be accepted as a model."""
    return make_session(make_loop().SerializeToString(), "cpu")


def test_a_deadline_ends_a_run(endless: onnxruntime.InferenceSession) -> None:
    start = time.monotonic()
    with pytest.raises(ModelError, match=r"takes more than 0\.5 s for a small picture"):
        run_stoppably(endless, None, FEEDS, make_deadline(0.5))
    assert time.monotonic() - start < 5
    # It has ended, rather than been left alone.
    assert not [thread for thread in threading.enumerate() if thread.name == "session"]


def test_dropped_images_end_in_the_middle_of_a_run(endless: onnxruntime.InferenceSession) -> None:
    from onnx import helper  # noqa: PLC0415 - here alone

    identity = make_model(helper.make_node("Identity", ["larger"], ["result"]))
    info: GraphInterface = describe(make_session(identity.SerializeToString(), "cpu"))
    picture = np.zeros((4, 4, 3), dtype=np.float32)
    cancellation = Cancellation()
    threading.Timer(0.5, cancellation.cancel, ["a second Ctrl-C"], {"drop": True}).start()
    with pytest.raises(NotAttemptedError, match="dropped: a second Ctrl-C"):
        GraphRunner(endless, info).run(picture, cancellation.raise_if_cancelled)


def test_errors_are_raised_to_the_caller(endless: onnxruntime.InferenceSession) -> None:
    with pytest.raises(Exception, match="image"):
        run_stoppably(endless, None, {}, make_deadline())


def test_ctrl_c_ends_a_run(endless: onnxruntime.InferenceSession) -> None:
    threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        run_stoppably(endless, None, FEEDS, make_deadline())
    assert not [thread for thread in threading.enumerate() if thread.name == "session"]
