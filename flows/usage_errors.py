"""What a command says of arguments that it cannot read, and what to type instead."""

from __future__ import annotations

from collections.abc import Sequence

from cyclopts import (
    ArgumentOrderError,
    CycloptsError,
    MissingArgumentError,
    UnknownOptionError,
    UnusedCliTokensError,
)
from pydantic import ValidationError

from srcnn.storage.url_credentials import redact
from srcnn.validation_errors import describe_validation

_TAKES_SEVERAL = ("--include", "--exclude")


def describe_usage(error: CycloptsError) -> str:
    """Describe what is wrong with the arguments, and what to type instead.

    Args:
        error: of the parser; what the options' validators found is its cause.
    """
    if isinstance(error.__cause__, ValidationError):
        return _describe_values(error, error.__cause__)
    if isinstance(error, MissingArgumentError):
        return _describe_missing(error)
    if isinstance(error, ArgumentOrderError):
        word = redact(error.token)
        return (
            f"got --src and {word!r}: if {word!r} is the destination, type --dst {word}; if it is "
            "the source, leave out --src"
        )
    if isinstance(error, UnusedCliTokensError):
        return _describe_unused(error)
    if isinstance(error, UnknownOptionError):
        return _describe_unknown(error)
    return str(error)


def _describe_missing(error: MissingArgumentError) -> str:
    if _lacks(error, "--src"):
        return _describe_no_source(error)
    if _lacks(error, "--dst"):
        usage = error.app.usage if error.app is not None else ""
        return f"no destination: expected DST, a folder or prefix that runs wrote\n\n{usage}"
    return str(error)


def _lacks(error: MissingArgumentError, name: str) -> bool:
    """Whether an argument is missing, by place and by name; `--src` without a value is another."""
    is_it = error.argument is not None and error.argument.name == name
    return is_it and error.keyword is None and not error.unused_tokens


def _describe_values(error: CycloptsError, cause: ValidationError) -> str:
    if any(problem["type"] == "missing" for problem in cause.errors()):
        return _describe_no_source(error)
    return describe_validation(cause, _name_option, show_input=True)


def _describe_no_source(error: CycloptsError) -> str:
    text = "no source: expected SRC or --src, a folder, bucket prefix or image"
    words = error.root_input_tokens or []
    if set(_TAKES_SEVERAL).intersection(words):
        return f"{text}; --include and --exclude take every word up to the next option"
    if len(words) > len(error.command_chain or ()) or error.app is None:
        return text
    app = error.app
    program = str(app.usage).removeprefix("Usage: ").partition(" SRC")[0]
    return f"{text}\n\n{app.usage}\n\n{app.help_epilogue}\n\nAll options: {program} --help"


def _describe_unused(error: UnusedCliTokensError) -> str:
    word = redact((error.unused_tokens or [""])[0])
    usage = str(error.app.usage) if error.app is not None else ""
    several = (
        "; for several images, give their folder and --include '*.jpg'" if "DST" in usage else ""
    )
    return f"unexpected {word!r}{several}. {usage}"


def _describe_unknown(error: UnknownOptionError) -> str:
    word = redact(error.token.keyword or error.token.value)
    names = {name for argument in error.argument_collection for name in argument.names}
    if f"-{word}" in names:
        return f"Unknown option: {word}. Did you mean -{word}?"
    text = redact(str(error))
    return text if "Did you mean" in text else f"{text} --help lists the options."


def _name_option(path: Sequence[str]) -> str:
    return "--" + ".".join(path).replace("_", "-")
