"""The card survives its way through a graph, and says when it cannot be read."""

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


def test_it_comes_back_as_it_went() -> None:
    assert ModelCard.from_metadata(CARD.to_metadata() | {"other": "thing"}) == CARD


def test_the_same_card_is_the_same_text() -> None:
    assert CARD.to_metadata() == CARD.model_copy(deep=True).to_metadata()


def test_a_graph_without_a_card_has_none() -> None:
    assert ModelCard.from_metadata({"author": "someone"}) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", CARD.model_dump_json()[:-9]])
def test_a_card_that_cannot_be_read_is_an_error_that_says_so(text: str) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        ModelCard.from_metadata({METADATA_KEY: text})


def test_the_error_names_the_field() -> None:
    content = json.loads(CARD.model_dump_json()) | {"rounding": "up"}
    with pytest.raises(ModelError, match="rounding"):
        ModelCard.from_metadata({METADATA_KEY: json.dumps(content)})


def test_a_later_version_may_say_more() -> None:
    content = json.loads(CARD.model_dump_json()) | {"mood": "fine"}
    assert ModelCard.from_metadata({METADATA_KEY: json.dumps(content)}) == CARD


def test_a_card_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        CARD.opset = 19  # type: ignore[misc]


def test_the_record_is_json_that_people_can_read() -> None:
    row = ParityRow(size=(1, 2), factor="2", max_abs_error=0.1, mean_abs_error=0.01)
    record = ModelRecord(file="a.onnx", sha256="b" * 64, size_bytes=3, model=CARD, parity=[row])
    assert ModelRecord.model_validate_json(record.to_json()) == record
    assert record.to_json().endswith(b"}\n")
    assert b'\n  "sha256": ' in record.to_json()


BANK = ModelCard(**CARD.model_dump(exclude={"scale"}), anchors=[1, 2.5])
TRAINED = TrainingCard(**TRAINING)


def test_without_anchors_the_text_is_what_it_was() -> None:
    """The card is part of the graph, whose sha256 decides what is made again."""
    assert CARD.to_metadata()[METADATA_KEY] == (
        '{"name":"tutorial","checkpoint":{"url":"https://x.org/a.pth","sha256":"' + "a" * 64 + '",'
        '"convention":"bgr-byte"},"exporter":"dynamo","opset":18,"versions":{"torch":"2.13.0"},'
        '"scale":"2x3","min_factor":1,"max_factor":16,"rounding":"truncate","tolerance":0.02}'
    )


def test_anchors_come_back_as_they_went() -> None:
    found = ModelCard.from_metadata(BANK.to_metadata())
    assert found == BANK
    assert found.anchors == [1.0, 2.5]


@pytest.mark.parametrize("anchors", [[2], [2, 2], [3, 2], [0.5, 2], [1, float("nan")]])
def test_anchors_ascend_from_1_up(anchors: list[float]) -> None:
    with pytest.raises(ValidationError, match="ascending"):
        ModelCard(**CARD.model_dump(), anchors=anchors)


def record(card: ModelCard, training: TrainingCard | None) -> ModelRecord:
    return ModelRecord(
        file="a.onnx", sha256="b" * 64, size_bytes=3, model=card, parity=[], training=training
    )


def test_the_record_has_anchors_and_training() -> None:
    made = record(BANK, TRAINED)
    found = ModelRecord.model_validate_json(made.to_json())
    assert found == made
    assert (found.anchors, found.training) == ([1, 2.5], TRAINED)


def test_a_record_from_before_there_were_banks_is_read() -> None:
    old = json.loads(record(CARD, None).to_json())
    assert old.pop("training") is None
    assert "anchors" not in old["model"]
    found = ModelRecord.model_validate(old)
    assert (found.anchors, found.training) == ([], None)


def test_the_training_card_holds_only_what_json_can() -> None:
    with pytest.raises(ValidationError, match="hours"):
        TrainingCard(**TRAINING | {"hours": float("inf")})
    row = TRAINING["validation"][0] | {"psnr_db": float("nan")}
    with pytest.raises(ValidationError, match="psnr_db"):
        QualityRow(**row)
