"""What is said where the packages of an extra are missing."""

import importlib.util
import sys
import tomllib

import pytest

from srcnn.errors import UsageError
from srcnn.extras import REQUIREMENTS, Extra, require_extra
from tests.support.paths import ROOT


def test_the_requirements_are_those_of_pyproject() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras: dict[str, list[str]] = project["optional-dependencies"]
    shared = {f"srcnn-batch[{name}]": words for name, words in extras.items()}
    for extra, requirements in REQUIREMENTS.items():
        wanted = {each for word in extras[extra] for each in shared.get(word, [word])}
        assert set(requirements.values()) == wanted


@pytest.mark.parametrize("extra", REQUIREMENTS)
def test_the_modules_are_those_that_the_packages_bring(extra: Extra) -> None:
    if any(importlib.util.find_spec(module) is None for module in REQUIREMENTS[extra]):
        pytest.skip(f"the extra {extra} is not installed")
    require_extra(extra, "this")


def test_one_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prefect_dask", None)
    with pytest.raises(UsageError) as caught:
        require_extra("dask", "--runner dask")
    assert str(caught.value) == (
        "--runner dask needs prefect-dask, which is not installed: "
        "pip install -e '.[dask]' -c constraints.txt in a checkout, "
        "or pip install prefect-dask==0.3.7 elsewhere"
    )


def test_several_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(UsageError, match="a training needs torch and scikit-image, which are not"):
        require_extra("train", "a training")
