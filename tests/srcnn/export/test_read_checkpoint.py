"""Checkpoints: how they are found and read, and which errors are raised."""

from __future__ import annotations

import io
import pickle
import warnings
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch

from srcnn.errors import (
    CheckpointError,
    ChecksumError,
    SourceMissingError,
    StorageError,
    UsageError,
)
from srcnn.export.find_checkpoint import find_checkpoint, obtain
from srcnn.export.pixel_convention import build_network
from srcnn.export.read_checkpoint import read_training, read_weights
from srcnn.export.srcnn_bank import SrcnnBank
from srcnn.export.srcnn_network import Srcnn
from srcnn.model.pixel_format import Convention
from tests.support.graphs import quality_banks
from tests.support.training_card import TRAINING

OPENMMLAB = "srcnn_x4k915_1x16_1000k_div2k_20200608-4186f232.pth"


def saved(content: Any) -> bytes:
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


def saved_before_1_6(content: Any) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=False)
    return file.getvalue()


def script() -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch advises against it
        torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), file)
    return file.getvalue()


@pytest.fixture
def weights() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return Srcnn().state_dict()


def prefixed(weights: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {prefix + key: value for key, value in weights.items()}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda weights: weights,
        lambda weights: {"meta": {"epoch": 3}, "state_dict": prefixed(weights, "generator.")},
        lambda weights: {"params": {}, "params_ema": weights},
        lambda weights: {"model": prefixed(weights, "module.model."), "step": 7},
        lambda weights: {"state_dict": OrderedDict(prefixed(weights, "module.generator."))},
        lambda weights: {key: value.double() for key, value in weights.items()},
    ],
)
def test_wrappers_of_other_trainers_are_removed(wrap: Any, weights: dict[str, Any]) -> None:
    found = read_weights(saved(wrap(weights)), "a.pth")
    assert list(found) == list(weights)
    assert all(torch.equal(found[key], weights[key]) for key in weights)
    assert {value.dtype for value in found.values()} == {torch.float32}


def with_batch_norm(weights: dict[str, Any]) -> None:
    weights["bn1.running_mean"] = torch.zeros(64)


def two_channels(weights: dict[str, Any]) -> None:
    weights["conv1.weight"] = torch.zeros(64, 2, 9, 9)


def half_luma(weights: dict[str, Any]) -> None:
    weights["conv1.weight"] = torch.zeros(64, 1, 9, 9)


def nine_five_five(weights: dict[str, Any]) -> None:
    weights["conv2.weight"] = torch.zeros(32, 64, 5, 5)


def without_a_bias(weights: dict[str, Any]) -> None:
    del weights["conv2.bias"]


def not_a_number(weights: dict[str, Any]) -> None:
    weights["conv2.bias"][3] = float("nan")


def integers(weights: dict[str, Any]) -> None:
    weights["conv2.bias"] = torch.zeros(32, dtype=torch.int64)


def no_tensor(weights: dict[str, Any]) -> None:
    weights["conv2.bias"] = 3


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (with_batch_norm, r"unexpected bn1.running_mean \(64,\)"),
        (two_channels, r"conv1.weight: expected \(64, 3, 9, 9\), got \(64, 2, 9, 9\)"),
        (half_luma, r"conv3.weight: expected \(1, 32, 5, 5\), got \(3, 32, 5, 5\)"),
        (nine_five_five, r"conv2.weight: expected \(32, 64, 1, 1\), got \(32, 64, 5, 5\)"),
        (without_a_bias, r"missing conv2.bias \(32,\)"),
        (not_a_number, r"conv2.bias: expected finite numbers"),
        (integers, r"conv2.bias: expected floating point numbers, got torch.int64"),
        (no_tensor, r"conv2.bias: expected \(32,\), got int"),
    ],
)
def test_what_does_not_fit_is_named(spoil: Any, text: str, weights: dict[str, Any]) -> None:
    spoil(weights)
    with pytest.raises(CheckpointError, match=text) as caught:
        read_weights(saved(weights), "a.pth")
    assert str(caught.value).startswith("a.pth does not fit, expected SRCNN 9-1-5")


def test_everything_that_does_not_fit_is_named_at_once(weights: dict[str, Any]) -> None:
    for spoil in (with_batch_norm, two_channels, without_a_bias):
        spoil(weights)
    with pytest.raises(CheckpointError, match=r"missing .*; unexpected .*; conv1\.weight: "):
        read_weights(saved(weights), "a.pth")


@pytest.fixture
def bank(make_bank: Any) -> dict[str, torch.Tensor]:
    return dict(make_bank(1, 1.5, 2))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda bank: bank,
        lambda bank: {"meta": {"training": None}, "state_dict": prefixed(bank, "generator.")},
        lambda bank: {"params": {key: value.double() for key, value in bank.items()}},
    ],
)
def test_a_bank_is_read_as_it_is(wrap: Any, bank: dict[str, Any]) -> None:
    found = read_weights(saved(wrap(bank)), "a.pth")
    assert found.keys() == bank.keys()
    assert all(torch.equal(found[key], bank[key]) for key in bank)
    assert {value.dtype for value in found.values()} == {torch.float32}


def anchors(*values: float) -> Any:
    return lambda bank: bank.update(anchors=torch.tensor(values, dtype=torch.float64))


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (lambda bank: bank.pop("anchors"), r"missing anchors \(3,\)$"),
        (anchors(1, 2, 1.5), r"anchors: expected two .* ascending, .* got \[1.0, 2.0, 1.5\]"),
        (anchors(1, 2, 2), r"anchors: expected two factors or more, ascending"),
        (anchors(1, 2, 2 + 1e-9), r"ascending, from 1 up, got \[1.0, 2.0, 2.0\]"),  # in float32
        (anchors(0.5, 1, 2), r"from 1 up, got \[0.5, 1.0, 2.0\]"),
        (anchors(1, 2, float("nan")), r"anchors: expected finite numbers"),
        (anchors(1, 2), r"conv1.weight: expected \(2, 64, 3, 9, 9\), got \(3, 64, 3, 9, 9\)"),
        (anchors(), r"anchors: expected two factors or more"),
        (lambda bank: bank.update(anchors=[1, 1.5, 2]), r"anchors: expected \(3,\), got list"),
        (lambda bank: bank.update(anchors=torch.ones(3, 1)), r"expected \(3,\), got \(3, 1\)"),
        (
            lambda bank: bank.update(anchors=torch.tensor([1, 2, 3])),
            r"anchors: expected floating point numbers, got torch.int64",
        ),
        (lambda bank: bank.pop("conv2.bias"), r"missing conv2.bias \(3, 32\)$"),
        (
            lambda bank: bank.update({"conv3.bias": torch.zeros(3)}),
            r"conv3.bias: expected \(3, 3\), got \(3,\)$",
        ),
        (
            lambda bank: bank.update({key: bank[key][:1] for key in bank}),
            r"anchors: expected two factors or more, ascending, from 1 up, got \[1.0\]$",
        ),
        (
            lambda bank: bank.update({key: bank[key][0] for key in bank if key != "anchors"}),
            r"conv1.weight: expected \(3, 64, 3, 9, 9\), got \(64, 3, 9, 9\)",
        ),
    ],
)
def test_what_does_not_fit_a_bank_is_named(spoil: Any, text: str, bank: dict[str, Any]) -> None:
    spoil(bank)
    with pytest.raises(CheckpointError, match=text):
        read_weights(saved(bank), "a.pth")


@pytest.fixture
def quality_bank() -> dict[str, torch.Tensor]:
    return quality_banks.make_weights((1, 2, 4), (60, 100), channels=3)


def test_a_bank_of_two_axes_is_read_as_it_is(quality_bank: dict[str, Any]) -> None:
    found = read_weights(saved({"state_dict": prefixed(quality_bank, "module.")}), "a.pth")
    assert found.keys() == quality_bank.keys()
    assert all(torch.equal(found[key], quality_bank[key]) for key in quality_bank)
    network = build_network(found, "bgr-byte")
    assert isinstance(network, SrcnnBank)
    assert network.qualities == [60, 100]


def qualities(*values: float) -> Any:
    return lambda bank: bank.update(qualities=torch.tensor(values, dtype=torch.float64))


def many(bank: dict[str, Any]) -> None:
    """Few bytes are read of the weights: their shape is another."""
    bank.update(anchors=torch.linspace(1, 16, 200), qualities=torch.linspace(1, 100, 20))


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (lambda bank: bank.pop("qualities"), r"missing qualities \(2,\)$"),
        (lambda bank: bank.pop("anchors"), r"missing anchors \(3,\)$"),
        (qualities(100, 60), r"qualities: expected two .* ascending, .* got \[100.0, 60.0\]"),
        (qualities(60, 90), r"from 1 to exactly 100, which is without loss, got \[60.0, 90.0\]"),
        (qualities(0.5, 100), r"from 1 to exactly 100, .* got \[0.5, 100.0\]"),
        (qualities(100, 100), r"qualities: expected two qualities or more, ascending"),
        (qualities(60, 120), r"got \[60.0, 120.0\]"),
        (qualities(float("nan"), 100), r"qualities: expected finite numbers"),
        (
            qualities(60, 80, 100),
            r"conv1.weight: expected \(3, 3, 64, 3, 9, 9\), got \(3, 2, 64, 3, 9, 9\)",
        ),
        (
            lambda bank: bank.update({key: bank[key][:, 1:] for key in bank if "conv" in key}),
            r"conv2.bias: expected \(3, 2, 32\), got \(3, 1, 32\)",
        ),
        (
            lambda bank: bank.update({key: bank[key][:, 0] for key in bank if "conv" in key}),
            r"conv1.weight: expected \(3, 2, 64, 3, 9, 9\), got \(3, 64, 3, 9, 9\)",
        ),
        (lambda bank: bank.update(qualities=[60, 100]), r"qualities: expected \(2,\), got list"),
        (
            lambda bank: bank.update(qualities=torch.tensor([60, 100])),
            r"qualities: expected floating point numbers, got torch.int64",
        ),
        (many, r"expected up to 1024 networks, got 200 anchors and 20 qualities$"),
    ],
)
def test_what_does_not_fit_a_bank_of_two_axes_is_named(
    spoil: Any, text: str, quality_bank: dict[str, Any]
) -> None:
    spoil(quality_bank)
    with pytest.raises(CheckpointError, match=text):
        read_weights(saved(quality_bank), "a.pth")


def test_a_single_network_has_no_qualities(weights: dict[str, Any]) -> None:
    weights["qualities"] = torch.tensor([60.0, 100.0])
    with pytest.raises(CheckpointError, match=r"unexpected qualities \(2,\)$"):
        read_weights(saved(weights), "a.pth")


def test_of_one_quality_alone_there_is_no_axis(quality_bank: dict[str, Any]) -> None:
    one = {key: value[:, 1:] for key, value in quality_bank.items() if "conv" in key}
    axes = {"anchors": quality_bank["anchors"], "qualities": torch.tensor([100.0])}
    with pytest.raises(CheckpointError, match=r"expected two qualities or more.* got \[100.0\]$"):
        read_weights(saved(one | axes), "a.pth")


@pytest.mark.parametrize("convention", get_args(Convention))
def test_a_bank_of_two_axes_is_folded_pair_by_pair(
    convention: Any, quality_bank: dict[str, Any]
) -> None:
    found = build_network(quality_bank, convention)
    for row, anchor in enumerate((1.0, 2.0, 4.0)):
        for column, quality in enumerate((60, 100)):
            single = {
                key: value[row, column] for key, value in quality_bank.items() if "conv" in key
            }
            expected = build_network(single, convention).state_dict()
            network = found.at(torch.tensor([1, 1, anchor, anchor]), quality).state_dict()
            assert all(torch.equal(network[key], expected[key]) for key in expected)


@pytest.mark.parametrize("convention", get_args(Convention))
def test_a_bank_is_folded_anchor_by_anchor(convention: Any, bank: dict[str, Any]) -> None:
    found = build_network(bank, convention)
    assert isinstance(found, SrcnnBank)
    assert torch.equal(found.anchors, bank["anchors"])
    for index, anchor in enumerate(bank["anchors"].tolist()):
        single = {key: value[index] for key, value in bank.items() if key != "anchors"}
        expected = build_network(single, convention).state_dict()
        network = found.at(torch.tensor([1, 1, anchor, anchor])).state_dict()
        assert all(torch.equal(network[key], expected[key]) for key in expected)


def test_a_checkpoint_may_say_how_it_was_trained(weights: dict[str, Any]) -> None:
    content = {"meta": {"epoch": 3, "training": TRAINING}, "state_dict": weights}
    found = read_training(saved(content), "a.pth")
    assert found is not None
    assert found.model_dump() == TRAINING


@pytest.mark.parametrize("more", [{}, {"meta": {"epoch": 3}}, {"meta": "2020"}])
def test_most_checkpoints_do_not_say_how_they_were_trained(
    more: dict[str, Any], weights: dict[str, Any]
) -> None:
    assert read_training(saved({"state_dict": weights} | more), "a.pth") is None


@pytest.mark.parametrize(
    ("training", "text"),
    [
        ("an hour", r"a\.pth: cannot be read: meta\.training: "),
        (TRAINING | {"steps": "many"}, r"cannot be read: meta\.training\.steps: .*integer"),
        (
            TRAINING | {"validation": [{}]},
            r"meta\.training\.validation\.0\.factor: .*; meta\.training\.validation\.0\.psnr_db: ",
        ),
        (TRAINING | {"hours": float("nan")}, r"meta\.training\.hours: "),
    ],
)
def test_a_training_that_cannot_be_read_is_an_error(
    training: Any, text: str, weights: dict[str, Any]
) -> None:
    content = saved({"meta": {"training": training}, "state_dict": weights})
    with pytest.raises(CheckpointError, match=text):
        read_training(content, "a.pth")


def test_one_name_for_two_tensors_is_refused(weights: dict[str, Any]) -> None:
    weights["module.conv1.bias"] = torch.zeros(64)
    with pytest.raises(CheckpointError, match=r"conv1\.bias twice"):
        read_weights(saved(weights), "a.pth")


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"PK\x03\x04 cut"])
def test_files_that_are_not_checkpoints_are_refused(content: bytes) -> None:
    with pytest.raises(CheckpointError, match=r"a\.pth .* is not a checkpoint"):
        read_weights(content, "a.pth")


CODE = ", which may run code; save only the state_dict"
SCRIPT = "Cannot use ``weights_only=True`` with TorchScript archives passed to ``torch.load``"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (saved(torch.nn.Sequential()), f"it contains torch.nn.modules.container.Sequential{CODE}"),
        (saved({"psnr": np.float64(30)}), f"it contains numpy._core.multiarray.scalar{CODE}"),
        (script(), f"{SCRIPT}; save only the state_dict"),
        (b"\x80\x02\xff", "Unsupported operand 255; save only the state_dict"),
        (pickle.dumps({}, protocol=4), "expected a file that torch.save wrote"),
        (saved({})[:-100], "the file is incomplete or damaged; fetch it again"),
        (
            saved_before_1_6({"a": torch.zeros(3)})[:-5],
            "the file is incomplete or damaged; fetch it again",
        ),
        (b"\x89PNG\r\n\x1a\n", "expected a file that torch.save wrote"),
        (b"", "expected a file that torch.save wrote"),
        (b"\n<!DOCTYPE html>", "it is a web page; give the address of the file itself"),
        (
            b"version https://git-lfs.github.com/spec/v1",
            "it is a pointer of Git LFS; fetch the file with git lfs pull",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_the_reason_is_named_without_the_advice_to_run_code(content: bytes, text: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        read_weights(content, "a.pth")
    assert str(caught.value) == (
        f"a.pth ({len(content)} bytes) is not a checkpoint that can be read safely, with "
        f"torch.load(weights_only=True): {text}"
    )


def test_a_list_is_not_a_checkpoint() -> None:
    with pytest.raises(CheckpointError, match="contains a list"):
        read_weights(saved([torch.zeros(1)]), "a.pth")


class Payload:
    """A hostile pickle: unpickling it calls a function."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_code_in_a_checkpoint_does_not_run(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="weights_only=True"):
        read_weights(saved({"state_dict": Payload(tmp_path / "owned")}), "a.pth")
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    ("convention", "axes", "white"),
    [("rgb-unit", [1], 255), ("bgr-unit", [], 255), ("rgb-byte", [1], 1)],
)
def test_other_pixels_are_folded_exactly(
    weights: dict[str, Any], convention: Any, axes: list[int], white: int
) -> None:
    image = torch.rand(1, 3, 24, 24)
    expected = build_network(weights, "bgr-byte")(image).flip(axes) * white
    found = build_network(weights, convention)(image.flip(axes) * white)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("form", ["model.{}", "{}", "module.net.{}"])
@pytest.mark.parametrize("places", [(0, 2, 4), (1, 3, 10)])
def test_layers_of_a_sequential_are_taken_in_order(
    weights: dict[str, Any], form: str, places: tuple[int, ...]
) -> None:
    names = {f"conv{number}": form.format(place) for number, place in enumerate(places, 1)}
    renamed = {
        f"{names[layer]}.{parameter}": value
        for layer, _, parameter, value in (
            (*key.partition("."), value) for key, value in reversed(weights.items())
        )
    }
    found = read_weights(saved({"state_dict": renamed}), "a.pth")
    assert all(torch.equal(found[key], weights[key]) for key in weights)


def test_messages_show_the_names_that_are_in_the_file(weights: dict[str, Any]) -> None:
    named = dict(zip(("0", "2", "4"), ("conv1", "conv2", "conv3"), strict=True))
    renamed = {
        f"model.{place}.{part}": weights[f"{layer}.{part}"]
        for place, layer in named.items()
        for part in ("weight", "bias")
    }
    renamed["model.4.weight"] = torch.zeros(3, 32, 3, 3)
    with pytest.raises(CheckpointError, match=r": model\.4\.weight: expected \(3, 32, 5, 5\), got"):
        read_weights(saved(renamed), "a.pth")
    renamed["model.6.weight"] = torch.zeros(3)
    with pytest.raises(CheckpointError, match=r"unexpected model\.6\.weight \(3,\)"):
        read_weights(saved(renamed), "a.pth")


def test_bgr_byte_weights_are_used_bit_for_bit(weights: dict[str, Any]) -> None:
    found = build_network(weights, "bgr-byte").state_dict()
    assert all(torch.equal(found[key], weights[key]) for key in weights)


def test_the_bundled_checkpoint_is_found_and_fits(tmp_path: Path) -> None:
    source = find_checkpoint("bundled", mirror=str(tmp_path))
    path = obtain(source, tmp_path / "cache", attempts=1, timeout_seconds=1)
    assert read_weights(path.read_bytes(), source.name)
    assert not (tmp_path / "cache").exists()


def test_the_mirror_is_tried_before_the_origin() -> None:
    source = find_checkpoint("openmmlab-x4", mirror="s3://mirror/checkpoints/")
    assert source.urls == (f"s3://mirror/checkpoints/{OPENMMLAB}", source.origin)


def test_the_tutorial_is_the_same_file_used_another_way() -> None:
    tutorial, proper = find_checkpoint("tutorial"), find_checkpoint("openmmlab-x4")
    assert (tutorial.urls, tutorial.sha256) == (proper.urls, proper.sha256)
    assert (tutorial.convention, tutorial.rounding) == ("bgr-byte", "truncate")
    assert (proper.convention, proper.rounding) == ("rgb-unit", "nearest")


def test_the_hash_of_a_url_is_in_its_file_name_or_given() -> None:
    assert find_checkpoint("https://x.org/a-0123abcd.pth").sha256 == "0123abcd"
    assert find_checkpoint("https://x.org/a.pth", sha256="0123ABCD").sha256 == "0123abcd"
    assert find_checkpoint("s3://b/a-0123abcd.pth").convention == "rgb-unit"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"checkpoint": "https://x.org/a.pth"}, "give --sha256"),
        ({"checkpoint": "s3://bucket/a-123.pth"}, "give --sha256"),
        ({"checkpoint": "https://me:pw@x.org/a-0123abcd.pth"}, "contains credentials"),
        ({"checkpoint": "bundled", "sha256": "123"}, "8 to 64 hex digits"),
        ({"checkpoint": "tutorial", "convention": "rgb-unit"}, "leave --convention out"),
        ({"checkpoint": "openmmlab-x4", "sha256": "0" * 8}, "leave --sha256 out"),
    ],
)
def test_mistakes_are_refused(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(UsageError, match=text):
        find_checkpoint(**arguments)


def test_the_error_for_an_unknown_name_lists_the_known_names() -> None:
    with pytest.raises(SourceMissingError, match="bundled, openmmlab-x4, tutorial"):
        find_checkpoint("openmmlab")


def test_a_path_is_read_directly_and_verified_if_a_hash_is_given(tmp_path: Path) -> None:
    path = tmp_path / "mine.pth"
    path.write_bytes(b"abc")
    assert obtain(find_checkpoint(str(path)), tmp_path, attempts=1, timeout_seconds=1) == path
    wrong = find_checkpoint(str(path), sha256="0" * 8)
    with pytest.raises(ChecksumError, match="ba7816bf"):
        obtain(wrong, tmp_path, attempts=1, timeout_seconds=1)


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("x-ba7816bf.pth", True),
        ("x-4186f232.pth", False),
        ("x-20201231.pth", True),
        ("x.pth", True),
    ],
)
def test_digits_in_a_local_file_name_are_a_hash_unless_they_are_a_date(
    tmp_path: Path,
    name: str,
    right: bool,  # noqa: FBT001
) -> None:
    path = tmp_path / name
    path.write_bytes(b"abc")
    source = find_checkpoint(str(path))
    if right:
        assert obtain(source, tmp_path, attempts=1, timeout_seconds=1) == path
        return
    with pytest.raises(ChecksumError, match="expected sha256 4186f232"):
        obtain(source, tmp_path, attempts=1, timeout_seconds=1)


def expand_weight(weights: dict[str, Any]) -> dict[str, Any]:
    return weights | {"conv1.weight": torch.zeros(1).expand(64, 3, 9, 9)}


def make_huge_bank(_: dict[str, Any]) -> dict[str, Any]:
    """A few bytes that stand for a million networks."""
    shapes = {key: value.shape for key, value in Srcnn().state_dict().items()}
    huge = {key: torch.zeros(1).expand(10**6, *shape) for key, shape in shapes.items()}
    return huge | {"anchors": torch.zeros(1).expand(10**6)}


def make_sparse(weights: dict[str, Any]) -> dict[str, Any]:
    sparse = torch.sparse_coo_tensor(torch.zeros(4, 1), [1.0], (64, 3, 9, 9), check_invariants=True)
    return weights | {"conv1.weight": sparse}


def nest_in_itself(weights: dict[str, Any]) -> dict[str, Any]:
    weights["model"] = weights
    return weights


@pytest.mark.filterwarnings("ignore:Sparse invariant checks")  # torch's, of its own reading
@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (expand_weight, "a sparse or expanded tensor"),
        (make_huge_bank, "a sparse or expanded tensor"),
        (make_sparse, "a sparse or expanded tensor"),
        (nest_in_itself, "unexpected model"),
    ],
)
def test_a_few_bytes_do_not_become_many(spoil: Any, text: str, weights: dict[str, Any]) -> None:
    with pytest.raises(CheckpointError, match=text):
        read_weights(saved(spoil(dict(weights))), "a.pth")


def test_an_archive_that_unpacks_to_more_than_it_may_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for index in range(9):
            with archive.open(f"a/data/{index}", "w") as entry:
                for _ in range(8):
                    entry.write(bytes(2**24))
    assert len(file.getvalue()) < 2**21
    with pytest.raises(CheckpointError, match=r"unpacks to 1,207,959,552 bytes, expected up to"):
        read_weights(file.getvalue(), "a.pth")


def test_a_file_that_is_larger_than_a_checkpoint_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    with path.open("wb") as file:
        file.truncate(2**40)  # it takes no room
    with pytest.raises(StorageError, match=r"a\.pth: expected up to 1,073,741,824 bytes, got 1,0"):
        obtain(find_checkpoint(str(path)), tmp_path, attempts=1, timeout_seconds=1)
