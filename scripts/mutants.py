"""Change the code in small ways, and say which changes no test notices.

    make mutants
    python scripts/mutants.py [--count 30] [--since HEAD~10] [--seed 0] [MODULE ...]

Draws single changes (an operator, a constant, a condition, a statement left out) from the modules
given, or from those of the last commits. Each is made in a copy of the tracked files, where the
tests of its package run until one fails. The exit status is 1 if a change is not noticed. Some
changes cannot be: they make the program slower, or do what it did before.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("srcnn", "tasks", "flows")
TIMEOUT_SECONDS = 900
_SWAPPED: dict[type[ast.AST], str] = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "//",
    ast.FloorDiv: "*",
    ast.Div: "*",
    ast.And: "or",
    ast.Or: "and",
}


_Part = ast.expr | ast.stmt


@dataclass(frozen=True)
class Mutant:
    """One change of a module.

    Attributes:
        module: its path from the project's folder.
        line: of the change.
        source: the whole module, changed.
    """

    module: str
    line: int
    source: str

    def diff(self) -> str:
        """Return the change as `diff` prints it, without context."""
        before = (ROOT / self.module).read_text().splitlines()
        lines = difflib.unified_diff(before, self.source.splitlines(), lineterm="", n=0)
        return "\n".join(line for line in lines if line[:3] not in ("---", "+++", "@@ "))


def find_mutants(module: str, source: str) -> Iterator[Mutant]:
    """Yield every change that can be made to a module.

    Args:
        module: its path.
        source: its code.
    """
    lines = source.encode().splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    for node in ast.walk(ast.parse(source)):
        for first, last, text in _find_replacements(node, source):
            start = starts[first.lineno - 1] + first.col_offset
            end = starts[(last.end_lineno or 1) - 1] + (last.end_col_offset or 0)
            content = source.encode()
            changed = (content[:start] + text.encode() + content[end:]).decode()
            yield Mutant(module, first.lineno, changed)


def _find_replacements(node: ast.AST, source: str) -> Iterator[tuple[_Part, _Part, str]]:
    """Yield the first and last node of a part of the code, and what replaces it."""
    match node:
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            yield left, right, _join(source, _SWAPPED[type(operator)], left, right)
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _SWAPPED:
            yield node, node, _join(source, _SWAPPED[type(operator)], left, right)
        case ast.BoolOp(op=operator, values=values):
            yield node, node, _join(source, _SWAPPED[type(operator)], *values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield node, node, _join(source, "", operand)
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
            yield test, test, f"not ({_join(source, '', test)})"
        case ast.Constant(value=bool() | int() as value):
            yield node, node, str(not value if isinstance(value, bool) else value + 1)
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield value, value, "None"
        case ast.Raise() | ast.Expr(value=ast.Call()):
            yield node, node, "pass"


def _join(source: str, operator: str, *parts: ast.expr) -> str:
    """Return the parts' code with another operator between them."""
    return f" {operator} ".join(ast.get_source_segment(source, part) or "" for part in parts)


def is_noticed(mutant: Mutant, copy: Path) -> bool:
    """Return whether a test of the module's package fails on a change.

    Args:
        mutant: the change; it is taken back afterwards.
        copy: of the project.
    """
    module = copy / mutant.module
    original = module.read_text()
    module.write_text(mutant.source)
    try:
        return not _passes(find_tests(mutant.module, copy), copy)
    finally:
        module.write_text(original)


def find_tests(module: str, root: Path) -> str:
    """Return the tests that mirror a module: its own file, else those of the nearest package.

    Args:
        module: its path from `root`.
        root: the project's folder.
    """
    path = Path(module)
    mirror = Path("tests") / path.parent
    places = (mirror / f"test_{path.stem}.py", mirror, *mirror.parents)
    return str(next(place for place in places if (root / place).exists()))


def _passes(tests: str, copy: Path) -> bool:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", tests]
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    try:
        done = subprocess.run(  # noqa: S603 - our own tests
            command,
            cwd=copy,
            env=environment,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:  # a change that never ends is noticed
        return False
    return done.returncode == 0


def _list_modules(since: str) -> list[str]:
    names = _git("diff", "--name-only", "--diff-filter=d", since, "--", *PACKAGES)
    return [name for name in names.splitlines() if name.endswith(".py")]


def _git(*arguments: str) -> str:
    return subprocess.run(  # noqa: S603 - our own command
        ["git", *arguments],  # noqa: S607 - found on the path, as `make` finds it
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def _copy_project(folder: Path) -> Path:
    """Copy the tracked files to a folder in which they lie beside nothing else."""
    copy = folder / "project"
    for name in _git("ls-files").splitlines():
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    subprocess.run(["git", "init", "-q"], cwd=copy, check=True)  # noqa: S607 - as above
    return copy


def main() -> None:
    """Draw changes, try each, and print those that no test noticed."""
    parser = argparse.ArgumentParser(description="Say which changes of the code no test notices.")
    parser.add_argument("modules", nargs="*", help="their paths; default: those changed since")
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--since", default="HEAD~10")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    modules = arguments.modules or _list_modules(arguments.since)
    every = [mutant for name in modules for mutant in find_mutants(name, (ROOT / name).read_text())]
    generator = random.Random(arguments.seed)
    drawn = generator.sample(every, min(arguments.count, len(every)))
    survivors = 0
    with tempfile.TemporaryDirectory(prefix="srcnn-mutants-") as folder:
        copy = _copy_project(Path(folder))
        for number, mutant in enumerate(drawn, 1):
            noticed = is_noticed(mutant, copy)
            survivors += not noticed
            print(f"{number}/{len(drawn)} {'noticed' if noticed else 'NOT NOTICED'}", end=" ")
            print(f"{mutant.module}:{mutant.line}\n{mutant.diff()}", flush=True)
    print(f"{len(drawn)} changes of {len(modules)} modules: {survivors} not noticed")
    sys.exit(bool(survivors))


if __name__ == "__main__":
    main()
