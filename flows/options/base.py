"""What the options of every flow have in common."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from srcnn.errors import UsageError

# The default of a flow's options, which are required in its schema all the same. Without a default,
# a run that has none would crash before `refuse_missing` could say what to do.
REQUIRED: Any = Field(...)


def _number_fields(schema: dict[str, Any]) -> None:
    """Give each field its place, which the forms of Prefect's pages sort by.

    PostgreSQL stores the schema as jsonb, which orders keys by their length.
    """
    for position, field in enumerate(schema.get("properties", {}).values()):
        field["position"] = position


class Options(BaseModel):
    """Options of a flow: its parameters, its command line and its reference page."""

    # Inputs stay out of errors: one could be a URL with a password in it.
    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, json_schema_extra=_number_fields
    )


def refuse_missing(options: Options) -> None:
    """Refuse a run without options, as a schedule without parameters starts it.

    Raises:
        UsageError: the flow has its default, `REQUIRED`, in place of options.
    """
    if not isinstance(options, Options):
        raise UsageError(
            "the run has no options: give them in the deployment's `parameters`, as in "
            "deploy/prefect.yaml, or with `prefect deployment run ... --params`"
        )
