"""Build a command: how its help looks, and how its options are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from cyclopts import App, Group, Parameter
from cyclopts.help import (
    ColumnSpec,
    DefaultFormatter,
    DescriptionRenderer,
    HelpPanel,
    NameRenderer,
    TableSpec,
)
from pydantic import BaseModel
from rich.padding import Padding

from flows.command_pages import CommandPage

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions

DISTRIBUTION = "srcnn-batch"

# Headings of the help, in their order.
WHAT = Group("What and where", sort_key=1)
HOW_LARGE = Group("How large", sort_key=2)
TRAINING = Group("Training", sort_key=3)
MODEL = Group("Model", sort_key=4)
OUTPUT = Group("Output", sort_key=5)
RUN = Group("Run", sort_key=6)
PREFECT = Group("Prefect", sort_key=7)
COMMANDS = Group("Commands", sort_key=8)
HELP = Group("Help", sort_key=9)

_NAME_LETTERS = 22
_DESCRIPTION = ColumnSpec(renderer=DescriptionRenderer(), overflow="fold")
_COMMAND_COLUMNS = (ColumnSpec(renderer=NameRenderer()), _DESCRIPTION)
_OPTION_COLUMNS = (
    ColumnSpec(renderer=NameRenderer(max_width=_NAME_LETTERS), min_width=_NAME_LETTERS),
    _DESCRIPTION,
)


class _Sections(DefaultFormatter):
    """Headings with options below them; frames would take four columns of a terminal's 80."""

    def __call__(
        self,
        console: Console,
        options: ConsoleOptions,  # noqa: ARG002 - as the base has it
        panel: HelpPanel,
    ) -> None:
        if panel.entries:
            console.print(panel.title, style="bold", highlight=False)
            columns = _COMMAND_COLUMNS if panel.format == "command" else _OPTION_COLUMNS
            console.print(Padding(TableSpec().build(columns, panel.entries), (0, 0, 1, 1)))


def make_app(program: str, page: CommandPage) -> App:
    """Build a command; its help is plain text.

    Args:
        program: as users type it.
        page: what its help says.
    """
    app = App(
        name=program,
        version=_read_version,
        suppress_keyboard_interrupt=False,  # `flows.cli.run` knows which signal it was
        group_commands=COMMANDS,
        **describe(program, page),
    )
    for flag in ("--help", "--version"):
        app[flag].group = HELP
    return app


def describe(program: str, page: CommandPage) -> dict[str, Any]:
    """Return the arguments of an `App` that describe a command.

    Args:
        program: as users type it.
        page: what its help says.
    """
    return {
        "help": page.summary,
        "default_parameter": Parameter(show_default=_show_default),
        "help_format": "plaintext",
        "help_formatter": _Sections(),
        "usage": f"Usage: {program} {page.arguments}",
        "help_epilogue": page.format_examples(program),
    }


def _read_version() -> str:
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "unknown: a checkout that is not installed"


def arrange(
    model: type[BaseModel],
    headings: Mapping[Group, Sequence[str]],
    *,
    positional: Sequence[str] = (),
) -> None:
    """Say under which heading each option is shown, and which are given by place too.

    The model's validation and its JSON schema stay as they are.

    Args:
        model: options of a flow.
        headings: names of all fields.
        positional: names of those that need no `--name`, in their order.
    """
    groups = {name: group for group, names in headings.items() for name in names}
    for name, field in model.model_fields.items():
        field.kw_only = name not in positional
        field.metadata.append(Parameter(group=groups[name]))


def _show_default(value: object) -> str | None:
    """Return a default as text, unless it says no more than that the option is not given."""
    return None if value is None or value is False or value == [] else str(value)
