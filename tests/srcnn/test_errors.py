import inspect
import pickle

import pytest

import srcnn
from flows import cli
from srcnn import errors

OURS = [
    kind
    for module in (errors, cli)
    for _, kind in inspect.getmembers(module, inspect.isclass)
    if issubclass(kind, errors.SrcnnError)
]


@pytest.mark.parametrize("kind", sorted(set(OURS), key=lambda kind: kind.__name__))
def test_errors_survive_the_way_between_processes(kind: type[errors.SrcnnError]) -> None:
    message = "photo.png: expected a picture, got a text; remove it"
    error = pickle.loads(pickle.dumps(kind(message)))  # noqa: S301 - our own
    assert type(error) is kind
    assert str(error) == message


def test_each_error_is_also_what_a_python_programmer_would_catch() -> None:
    for kind in set(OURS) - {errors.SrcnnError}:
        bases = {base for base in kind.__mro__ if base.__module__ == "builtins"}
        assert bases - {Exception, BaseException, object}, kind


def test_the_package_exports_the_errors_of_its_calls() -> None:
    for kind in OURS:
        if kind.__module__ == "srcnn.errors":
            assert getattr(srcnn, kind.__name__) is kind
