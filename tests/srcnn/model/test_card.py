"""The card: its round trip through a graph, and the errors if it cannot be read."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from srcnn.errors import ModelError
from srcnn.model.card import (
    METADATA_KEY,
    CheckpointCard,
    ModelCard,
    ModelRecord,
    ParityRow,
    QualityRow,
    TrainingCard,
)
from tests.support.training_card import TRAINING

CARD = ModelCard(
    name="tutorial",
    checkpoint=CheckpointCard(url="https://x.org/a.pth", sha256="a" * 64, convention="bgr-byte"),
    exporter="dynamo",
    opset=18,
    versions={"torch": "2.13.0"},
    scale="2x3",
    rounding="truncate",
    tolerance=0.02,
)


def test_a_card_survives_a_round_trip() -> None:
    assert ModelCard.from_metadata(CARD.to_metadata() | {"other": "thing"}) == CARD


def test_equal_cards_give_equal_text() -> None:
    assert CARD.to_metadata() == CARD.model_copy(deep=True).to_metadata()


def test_a_graph_without_a_card_has_none() -> None:
    assert ModelCard.from_metadata({"author": "someone"}) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", CARD.model_dump_json()[:-9]])
def test_an_unreadable_card_is_an_error(text: str) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        ModelCard.from_metadata({METADATA_KEY: text})


def test_the_error_names_the_field() -> None:
    content = json.loads(CARD.model_dump_json()) | {"rounding": "up"}
    with pytest.raises(ModelError, match="rounding"):
        ModelCard.from_metadata({METADATA_KEY: json.dumps(content)})


def test_unknown_fields_of_later_versions_are_ignored() -> None:
    content = json.loads(CARD.model_dump_json()) | {"mood": "fine"}
    assert ModelCard.from_metadata({METADATA_KEY: json.dumps(content)}) == CARD


def test_a_card_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        CARD.opset = 19  # type: ignore[misc]


def test_the_record_is_readable_json() -> None:
    row = ParityRow(size=(1, 2), factor="2", max_abs_error=0.1, mean_abs_error=0.01)
    record = ModelRecord(file="a.onnx", sha256="b" * 64, size_bytes=3, model=CARD, parity=[row])
    assert ModelRecord.model_validate_json(record.to_json()) == record
    assert record.to_json().endswith(b"}\n")
    assert b'\n  "sha256": ' in record.to_json()


BANK = ModelCard(**CARD.model_dump(exclude={"scale"}), anchors=[1, 2.5])
TRAINED = TrainingCard(**TRAINING)


def test_without_anchors_the_text_does_not_change() -> None:
    """The card is part of the graph, whose sha256 decides what is computed again."""
    assert CARD.to_metadata()[METADATA_KEY] == (
        '{"name":"tutorial","checkpoint":{"url":"https://x.org/a.pth","sha256":"' + "a" * 64 + '",'
        '"convention":"bgr-byte"},"exporter":"dynamo","opset":18,"versions":{"torch":"2.13.0"},'
        '"scale":"2x3","min_factor":1,"max_factor":16,"rounding":"truncate","tolerance":0.02}'
    )


def test_anchors_survive_a_round_trip() -> None:
    found = ModelCard.from_metadata(BANK.to_metadata())
    assert found == BANK
    assert found.anchors == [1.0, 2.5]


@pytest.mark.parametrize("anchors", [[2], [2, 2], [3, 2], [0.5, 2], [1, float("nan")]])
def test_anchors_must_ascend_from_1(anchors: list[float]) -> None:
    with pytest.raises(ValidationError, match="ascending"):
        ModelCard(**CARD.model_dump(), anchors=anchors)


TWO_AXES = ModelCard(**BANK.model_dump(), qualities=[30, 75.5, 100])


def test_qualities_survive_a_round_trip() -> None:
    found = ModelCard.from_metadata(TWO_AXES.to_metadata())
    assert found == TWO_AXES
    assert found.qualities == [30.0, 75.5, 100.0]
    assert record(TWO_AXES, None).qualities == found.qualities


def test_without_qualities_the_text_of_a_bank_does_not_change() -> None:
    assert '"anchors":[1.0,2.5]}' in BANK.to_metadata()[METADATA_KEY]


@pytest.mark.parametrize(
    "qualities", [[100], [30, 75], [75, 30, 100], [0.5, 100], [30, 100, 101], [float("nan"), 100]]
)
def test_qualities_must_ascend_to_100(qualities: list[float]) -> None:
    with pytest.raises(ValidationError, match="ascending, from 1 to exactly 100"):
        ModelCard(**BANK.model_dump(), qualities=qualities)


def test_qualities_need_anchors() -> None:
    with pytest.raises(ValidationError, match="expected anchors beside the qualities"):
        ModelCard(**CARD.model_dump(), qualities=[75, 100])


def test_figures_may_name_a_source_quality() -> None:
    row = TRAINING["validation"][0]
    clean = QualityRow(**row)
    assert clean.source_quality == 100
    assert "source_quality" not in clean.model_dump()
    lossy = QualityRow(**row, source_quality=75)
    training = TrainingCard(**TRAINING | {"validation": [clean, lossy], "qualities": [75, 100]})
    found = ModelRecord.model_validate_json(record(TWO_AXES, training).to_json())
    assert found.training == training
    assert [each.source_quality for each in found.training.validation] == [100, 75]
    with pytest.raises(ValidationError, match="source_quality"):
        QualityRow(**row, source_quality=101)


def test_a_difference_may_name_a_quality() -> None:
    row = ParityRow(size=(1, 2), factor="2", max_abs_error=0.1, mean_abs_error=0.01)
    assert "quality" not in row.model_dump()
    assert row.model_copy(update={"quality": 75}).model_dump()["quality"] == 75


def record(card: ModelCard, training: TrainingCard | None) -> ModelRecord:
    return ModelRecord(
        file="a.onnx", sha256="b" * 64, size_bytes=3, model=card, parity=[], training=training
    )


def test_the_record_has_anchors_and_training() -> None:
    expected = record(BANK, TRAINED)
    found = ModelRecord.model_validate_json(expected.to_json())
    assert found == expected
    assert (found.anchors, found.training) == ([1, 2.5], TRAINED)


def test_a_record_of_an_earlier_version_is_read() -> None:
    old = json.loads(record(CARD, None).to_json())
    assert old.pop("training") is None
    assert "anchors" not in old["model"]
    found = ModelRecord.model_validate(old | {"fast_loss_db": {"2": 0.0027}})
    assert (found.anchors, found.training) == ([], None)


def test_the_training_card_rejects_values_that_json_does_not_have() -> None:
    with pytest.raises(ValidationError, match="hours"):
        TrainingCard(**TRAINING | {"hours": float("inf")})
    row = TRAINING["validation"][0] | {"psnr_db": float("nan")}
    with pytest.raises(ValidationError, match="psnr_db"):
        QualityRow(**row)
