import ast
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.support.paths import ROOT

LAYERS = ("srcnn", "tasks", "flows")
# What each layer may import of ours. The arrows point down, never up.
ALLOWED = {
    "srcnn": {"srcnn"},
    "tasks": {"srcnn", "tasks"},
    "flows": {"srcnn", "tasks", "flows"},
}
FORBIDDEN_TO_SRCNN = {"prefect", "prefect_aws", "prefect_dask", "pydantic_settings", "cyclopts"}


def modules(layer: str) -> list[Path]:
    return sorted((ROOT / layer).rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Dotted names of everything a module imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports break in flow files"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def tops(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports(path)}


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_point_down(layer: str) -> None:
    assert len(modules(layer)) > 3
    for path in modules(layer):
        ours = tops(path) & set(LAYERS)
        assert ours <= ALLOWED[layer], f"{path.relative_to(ROOT)} imports {ours - ALLOWED[layer]}"


def test_srcnn_knows_no_prefect_and_no_settings() -> None:
    for path in modules("srcnn"):
        assert not tops(path) & FORBIDDEN_TO_SRCNN, path


def test_only_export_and_training_import_torch() -> None:
    for path in modules("srcnn") + modules("tasks") + modules("flows"):
        inside = path.relative_to(ROOT).parts[1:-1]
        if not {"export", "training"} & set(inside):
            assert not tops(path) & {"torch", "onnxscript"}, path


def test_planning_and_batch_do_not_know_each_other() -> None:
    """Two stages of the data's way; what both need lies above them."""
    for stage, other in (("planning", "batch"), ("batch", "planning")):
        paths = modules(f"srcnn/{stage}")
        assert len(paths) > 3
        for path in paths:
            found = {name for name in imports(path) if f"{name}.".startswith(f"srcnn.{other}.")}
            assert not found, f"{path.relative_to(ROOT)} imports {found}"


def test_nothing_in_flows_hides_a_package() -> None:
    """Prefect puts flows/ first on the path when it loads a flow by its entrypoint."""
    installed = set(sys.stdlib_module_names) | set(packages_distributions())
    ours = {path.stem for path in (ROOT / "flows").iterdir() if path.suffix in ("", ".py")}
    assert {"upscale", "options", "output", "execution"} <= ours
    assert not ours & installed


def loaded_by(code: str) -> set[str]:
    """Top-level modules in a fresh interpreter after running code."""
    script = f"{code}\nimport sys\nprint(*sorted({{n.partition('.')[0] for n in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_importing_srcnn_loads_neither_torch_nor_prefect() -> None:
    loaded = loaded_by("import srcnn; srcnn.Upscaler")
    assert "onnxruntime" in loaded
    assert not loaded & {"torch", "onnxscript", "prefect"}


def test_upscaling_loads_no_torch(pictures: Path) -> None:
    loaded = loaded_by(
        "from flows.upscale import batch_upscale\n"
        "from flows.options.upscale import UpscaleOptions\n"
        f"batch_upscale.fn(UpscaleOptions(src={str(pictures)!r}))"
    )
    assert {"prefect", "cv2"} <= loaded
    assert not loaded & {"torch", "onnxscript"}


def test_the_export_flow_is_loaded_without_torch() -> None:
    assert not loaded_by("import flows.export") & {"torch", "onnxscript"}


def test_the_training_flow_is_loaded_without_torch() -> None:
    assert not loaded_by("import flows.train") & {"torch", "onnxscript", "skimage"}
