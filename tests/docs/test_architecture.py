"""`docs/architecture.md` names every module once, and nothing that does not exist."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT

LAYERS = ("flows", "tasks", "srcnn")
TEXT = (ROOT / "docs" / "architecture.md").read_text()
INDEX = TEXT.partition("\n## Index of modules\n")[2]
SECTIONS = dict(re.findall(r"^### `([\w/]+)/`\n(.*?)(?=^###|\Z)", INDEX, re.DOTALL | re.MULTILINE))
PROSE = re.sub(r"^```.*?^```", "", TEXT, flags=re.DOTALL | re.MULTILINE)
QUOTED = re.findall(r"`([^`\n]+)`", PROSE)


def list_modules() -> list[str]:
    paths = (path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))
    return sorted(path.relative_to(ROOT).as_posix() for path in paths if path.name != "__init__.py")


def list_packages() -> list[str]:
    paths = (path.parent for layer in LAYERS for path in (ROOT / layer).rglob("__init__.py"))
    return sorted(path.relative_to(ROOT).as_posix() for path in paths)


def parse_index() -> list[str]:
    return [
        f"{folder}/{name}"
        for folder, section in SECTIONS.items()
        for name in re.findall(r"^\| `([\w.]+)` \| \S", section, re.MULTILINE)
    ]


def list_names(body: list[ast.stmt]) -> Iterator[tuple[str, list[ast.stmt]]]:
    """Names that a module or class defines, each with the body of a class."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield node.name, node.body
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, []
        elif isinstance(node, ast.Assign):
            yield from ((each.id, []) for each in node.targets if isinstance(each, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, []


def defines(module: Path, names: list[str]) -> bool:
    """Whether a module defines a name, or a class that defines the next one, and so on."""
    body: list[ast.stmt] = ast.parse(module.read_text()).body
    for name in names:
        found = dict(list_names(body))
        if name not in found:
            return False
        body = found[name]
    return True


def exists(dotted: str) -> bool:
    """Whether a dotted name is a package, a module, or a name that a module defines."""
    parts = dotted.split(".")
    for count in range(len(parts), 0, -1):
        path, names = ROOT.joinpath(*parts[:count]), parts[count:]
        module = path.with_suffix(".py")
        if module.is_file():
            return defines(module, names)
        if path.is_dir():
            return not names or defines(path / "__init__.py", names)
    return False


def list_imports(module: Path) -> set[str]:
    """Dotted names that a module imports when it is imported."""
    names: set[str] = set()
    for node in ast.parse(module.read_text()).body:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def loads_torch(module: Path) -> bool:
    """Whether importing a module imports torch, itself or through other modules of ours."""
    seen: set[Path] = set()
    to_read = [module]
    while to_read:
        path = to_read.pop()
        if path in seen or not path.is_file():
            continue
        seen.add(path)
        for name in list_imports(path):
            if name.partition(".")[0] == "torch":
                return True
            place = ROOT.joinpath(*name.split("."))
            to_read += [place.with_suffix(".py"), place / "__init__.py"]
    return False


def test_every_module_is_in_the_index_once() -> None:
    assert sorted(parse_index()) == list_modules()


def test_every_folder_is_in_the_picture_once() -> None:
    named = re.findall(r"^([\w/]+)/ +\S", TEXT, re.MULTILINE)
    assert sorted(named) == list_packages()


def test_definitions_it_names_exist() -> None:
    named = [re.fullmatch(r"([\w/]+\.py):([\w.]+)", text) for text in QUOTED]
    found = [match.groups() for match in named if match]
    assert len(found) > 40
    missing = [
        f"{path}:{name}"
        for path, name in found
        if not (ROOT / path).is_file() or not defines(ROOT / path, name.split("."))
    ]
    assert not missing


def test_paths_it_names_exist() -> None:
    folders = "|".join((*LAYERS, "benchmarks", "deploy", "docs", "scripts", "tests"))
    named = [text for text in QUOTED if re.fullmatch(rf"(?:{folders})/[\w/.-]*", text)]
    assert len(named) > 20
    assert not [text for text in named if not (ROOT / text).exists()]


def test_dotted_names_it_names_exist() -> None:
    named = [text for text in QUOTED if re.fullmatch(rf"(?:{'|'.join(LAYERS)})(?:\.\w+)+", text)]
    named = [text for text in named if not text.endswith((".json", ".onnx", ".pth"))]
    assert named
    assert not [text for text in named if not exists(text)]


def test_files_named_alone_exist_in_some_folder() -> None:
    known = {Path(module).name for module in list_modules()}
    named = {text for text in QUOTED if re.fullmatch(r"\w+\.py", text)}
    assert not named - known - {"__init__.py"}


@pytest.mark.parametrize("folder", ["srcnn/export", "srcnn/training"])
def test_modules_without_torch(folder: str) -> None:
    listed = re.search(r"^Without torch: (.*?)\. The others", SECTIONS[folder], re.MULTILINE)
    assert listed
    modules = [each for each in list_modules() if Path(each).parent.as_posix() == folder]
    without = [Path(each).name for each in modules if not loads_torch(ROOT / each)]
    assert sorted(re.findall(r"`(\w+\.py)`", listed[1])) == without
