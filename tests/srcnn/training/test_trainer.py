from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from srcnn.errors import TrainingStateError, UsageError
from srcnn.graphs.graph_format import CLEAN
from srcnn.quality.conditions import Condition
from srcnn.training.training_spec import (
    DEFAULT_QUALITIES,
    TrainingSpec,
    list_conditions,
    list_kept_conditions,
    list_measured_factors,
)

torch = pytest.importorskip("torch", reason="training needs torch")

from srcnn.training.degrade_patches import degrade, make_aliasing_taps  # noqa: E402 - behind the skip
from srcnn.training.gradients import compute_relative_loss  # noqa: E402
from srcnn.training.initial_weights import create_identity  # noqa: E402
from srcnn.training.luma_network import Luma, sharpen  # noqa: E402
from srcnn.training.patches import Patches  # noqa: E402
from srcnn.training.soap import Soap  # noqa: E402
from srcnn.training.trainer import Moment, Trainer  # noqa: E402
from srcnn.training.weight_interpolation import (  # noqa: E402
    compute_shares,
    draw_conditions,
    weights_at,
)

WHOLE = TrainingSpec.of(steps=1)


def make_texture(seed: int, height: int = 200, width: int = 208) -> npt.NDArray[np.uint8]:
    """A picture of bars and blobs, with edges in all directions."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    waves = sum(
        np.sign(np.sin(rows * a + columns * b + c)) for a, b, c in rng.uniform(-0.6, 0.6, (5, 3))
    )
    return np.asarray(128 + 22 * waves, dtype=np.uint8)


def spec(steps: int, **changed: object) -> TrainingSpec:
    given = {"factors": (2.0, 3.0), "qualities": (CLEAN,), "steps": steps, "seed": 5, **changed}
    return TrainingSpec.of(**given)  # type: ignore[arg-type] # for short


def run_training(
    file: Path,
    steps: int,
    *,
    stop_at: int | None = None,
    start: Luma | None = None,
    **changed: object,
) -> tuple[Trainer, list[Moment]]:
    """Train on small pictures; return the trainer and its validations."""
    pictures = [make_texture(seed) for seed in range(3)]
    trainer = Trainer(spec(steps, **changed), pictures, [make_texture(9)], start, file)
    moments: list[Moment] = []
    trainer.run(moments.append, lambda: trainer.step == stop_at)
    return trainer, moments


@given(st.integers(16, 9 * 16), st.integers(10, 40))
def test_weights_are_interpolated_linearly_between_anchors(sixteenths: int, steps: int) -> None:
    condition = Condition(sixteenths / 16, steps * 2.5)
    shares = compute_shares(condition, WHOLE).reshape(8, 6)
    assert shares.sum() == pytest.approx(1)
    assert shares.sum(1) @ WHOLE.anchors == pytest.approx(min(condition.factor, 8))
    assert shares.sum(0) @ WHOLE.qualities == pytest.approx(max(condition.quality, 30))
    assert np.count_nonzero(shares) <= 4


@given(st.floats(1, 100))
def test_qualities_are_rounded_to_steps(quality: float) -> None:
    nearest = round(quality / 2.5) * 2.5
    found = [compute_shares(Condition(2, each), WHOLE) for each in (quality, nearest)]
    assert np.array_equal(*found)


@pytest.mark.parametrize("keeps_clean", [False, True])
def test_every_anchor_is_trained_at_nearly_every_step(*, keeps_clean: bool) -> None:
    qualities = DEFAULT_QUALITIES[: -1 if keeps_clean else None]
    spec, rng = TrainingSpec.of(qualities=qualities, steps=1), np.random.default_rng(1)
    missed = np.zeros(spec.networks)
    for _ in range(100):
        drawn = draw_conditions(spec, rng)
        assert len(drawn) == 5 * 8 + 20 * (not keeps_clean)
        assert all(each.factor == 1 or each.factor >= 1.04 for each in drawn)
        assert min(each.quality for each in drawn) >= 30
        missed += np.sum([compute_shares(each, spec) for each in drawn], axis=0) == 0
    # A factor just above an anchor falls back onto it.
    trained = missed.reshape(8, 6)[:, : len(spec.trained_qualities)]
    assert np.delete(trained, 5 if not keeps_clean else []).max() < 25  # the sixth is the identity


@settings(max_examples=40)
@given(
    st.sampled_from([1.0, 1.25, 1.45, 2.0, 2.6, 4.0, 8.0]),
    st.sampled_from([5.0, 60.0, 95.0, CLEAN]),
    st.integers(0, 2**32),
)
def test_patches_are_degraded_and_enlarged(factor: float, quality: float, seed: int) -> None:
    condition = Condition(factor, quality)
    batch = Patches([make_texture(1)]).draw(condition, np.random.default_rng(seed))
    assert batch.enlarged.shape == batch.sharp.shape
    assert batch.sharp.min() >= 0
    assert batch.sharp.max() <= 1
    difference = (batch.enlarged - batch.sharp).abs()
    assert difference.mean() < 0.25
    # Some patches are black all over, which nothing changes.
    if (factor, quality) != (1, CLEAN) and batch.sharp.std() > 0:
        assert difference.mean() > 0
    # A flat picture does not change.
    flat = torch.full((1, 96, 96), 0.6)
    torch.testing.assert_close(degrade(flat, (48, 32)), flat, atol=2e-3, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(96, 96), (61, 40), (200, 150)])
def test_one_kernel_is_the_one_of_opencv(height: int, width: int) -> None:
    picture = make_texture(4)
    down, across = make_aliasing_taps(200, height), make_aliasing_taps(208, width)
    expected = cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC)
    assert np.abs((down @ picture @ across.T).clip(0, 255) - expected).max() < 1


def test_pictures_that_can_only_just_be_halved_are_used_at_every_factor() -> None:
    """Halves have 96 px a side, and a patch between factors may need 97."""
    patches, rng = Patches([make_texture(1, 192, 192)]), np.random.default_rng(0)
    for factor in np.linspace(1, 1.5, 40):
        assert min(patches.draw(Condition(float(factor), 50.0), rng).sharp.shape[1:]) >= 95


def test_a_poorer_jpeg_is_farther_from_the_original() -> None:
    errors = []
    for quality in (10.0, 50.0, 90.0):
        batch = Patches([make_texture(1)]).draw(Condition(2, quality), np.random.default_rng(2))
        errors.append(float((batch.enlarged - batch.sharp).square().mean()))
    assert errors == sorted(errors, reverse=True)


def test_pictures_too_small_for_patches_are_rejected() -> None:
    with pytest.raises(UsageError, match="none of 1 pictures is 192 x 192 px"):
        Patches([make_texture(1, 150, 300)])


def test_the_optimiser_crosses_a_narrow_valley() -> None:
    """If one direction is 10,000 times as steep as another, Adam is slow."""
    torch.manual_seed(1)
    turn = torch.linalg.qr(torch.randn(12, 12)).Q
    steepness = turn @ torch.diag(torch.logspace(-4, 0, 12)) @ turn.T
    wanted = torch.randn(1, 5, 12)

    def gradient(values: torch.Tensor) -> torch.Tensor:
        return (values - wanted) @ steepness

    def loss(values: torch.Tensor) -> float:
        return float(((values - wanted) @ steepness * (values - wanted)).sum())

    by_soap, by_adam = torch.zeros(1, 5, 12), torch.zeros(1, 5, 12, requires_grad=True)
    start = loss(by_soap)
    soap, adam = Soap([by_soap]), torch.optim.Adam([by_adam], lr=0.02)
    for step in range(300):
        soap.step([gradient(by_soap)], 0.02 * (1 - step / 300))
        adam.param_groups[0]["lr"] = 0.02 * (1 - step / 300)
        by_adam.grad = gradient(by_adam.detach())
        adam.step()
    assert loss(by_soap) < 0.3 * loss(by_adam.detach()) < start


def test_training_gains_on_held_out_pictures(tmp_path: Path) -> None:
    trainer, moments = run_training(tmp_path / "state", 150)
    assert trainer.done == 1
    assert moments[-1].step == 150
    assert set(moments[-1].gains) == {Condition(factor) for factor in (1.5, 2.0, 2.5, 3.0)}
    assert min(moments[-1].gains.values()) > 0.2


def test_training_gains_on_jpegs_and_keeps_the_clean_weights(tmp_path: Path) -> None:
    qualities = {"factors": (2.0,), "qualities": (20.0, 60.0)}
    start = create_identity(6, 1)
    trainer, moments = run_training(tmp_path / "state", 100, start=start, **qualities)
    assert set(moments[-1].gains) == set(list_conditions(trainer.spec))
    assert {condition.quality for condition in moments[-1].gains} == {20, 40, 60, 80}
    assert moments[-1].gains[Condition(1, 20)] > 0.1
    assert moments[-1].gains[Condition(2, 60)] > 0
    for found, before in zip(trainer.weights.matrices[:2], start.matrices[:2], strict=True):
        assert torch.equal(found[2::3], before[2::3])
        assert not torch.isclose(found[0::3], before[0::3]).all()


def test_both_axes_are_trained_from_the_identity(tmp_path: Path) -> None:
    changed = {"factors": (2.0,), "qualities": (30.0, CLEAN)}
    trainer, moments = run_training(tmp_path / "state", 150, **changed)
    assert moments[-1].gains[Condition(2)] > 0.1
    assert moments[-1].gains[Condition(1, 30)] > 0.05
    identity = weights_at(trainer.weights, torch.tensor(compute_shares(Condition(1), trainer.spec)))
    picture = torch.rand(1, 30, 30)
    assert torch.equal(sharpen(picture, identity), picture)


def test_the_loss_of_bicubic_is_one() -> None:
    batch = Patches([make_texture(1)]).draw(Condition(2.0), np.random.default_rng(0))
    loss, mean = compute_relative_loss(
        batch, create_identity(1, 0).map(lambda matrix: matrix[0]), None
    )
    assert float(loss) == pytest.approx(1, abs=0.2)
    assert mean > 0


def test_an_interrupted_training_gives_the_same_weights_as_an_uninterrupted_one(
    tmp_path: Path,
) -> None:
    whole, _ = run_training(tmp_path / "whole", 8)
    interrupted, moments = run_training(tmp_path / "parts", 8, stop_at=3)
    assert interrupted.done < 1
    assert moments[-1].step == 3
    resumed, _ = run_training(tmp_path / "parts", 8)
    assert resumed.step == 8
    for found, expected in zip(resumed.weights.matrices, whole.weights.matrices, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)


def test_a_finished_training_is_not_repeated(tmp_path: Path) -> None:
    run_training(tmp_path / "state", 4)
    again, moments = run_training(tmp_path / "state", 4)
    assert again.step == 4
    assert [moment.step for moment in moments] == [4]


@pytest.mark.parametrize(
    "changed", [{"seed": 6}, {"factors": (2.0, 4.0)}, {"qualities": (50.0, CLEAN)}]
)
def test_the_state_of_another_training_is_refused(
    tmp_path: Path, changed: dict[str, object]
) -> None:
    run_training(tmp_path / "state", 1)
    with pytest.raises(TrainingStateError, match="belongs to another training"):
        run_training(tmp_path / "state", 1, **changed)


def test_a_truncated_state_is_rejected(tmp_path: Path) -> None:
    run_training(tmp_path / "state", 1)
    content = (tmp_path / "state").read_bytes()
    (tmp_path / "state").write_bytes(content[: len(content) // 2])
    with pytest.raises(TrainingStateError, match=r"not a readable training state.*--restart"):
        run_training(tmp_path / "state", 1)


def test_the_state_of_an_earlier_version_is_refused(tmp_path: Path) -> None:
    """It held networks of another form, and no number of the form."""
    shapes = (3, 61, 82), (3, 29, 62), (3, 25, 29), (3, 1, 1)
    weights = [torch.zeros(shape) for shape in shapes]
    torch.save({"belongs_to": "pictures", "step": 7, "weights": weights}, tmp_path / "state")
    with pytest.raises(TrainingStateError, match=r"^[^\n]*another version[^\n]*--restart[^\n]*$"):
        run_training(tmp_path / "state", 9)


def test_at_factor_one_nothing_is_added(tmp_path: Path) -> None:
    trainer, _ = run_training(tmp_path / "state", 3)
    one = weights_at(
        trainer.weights, torch.from_numpy(compute_shares(Condition(1.0), trainer.spec))
    )
    picture = torch.rand(1, 30, 30)
    assert torch.equal(sharpen(picture, one), picture)


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"steps": None}, "give --steps or --hours"),
        ({"factors": (3.0, 2.0)}, "factors 3,2: expected ascending"),
        ({"factors": ()}, "expected ascending"),
        ({"factors": (1.0, 2.0)}, "above 1"),
        ({"factors": (2.0, 17.0)}, "up to 16"),
        ({"factors": (2.03,)}, "multiple of 1/16"),
        ({"qualities": ()}, "needs a quality"),
        ({"qualities": (75.0, 60.0)}, "qualities 75,60: expected different multiples of 5"),
        ({"qualities": (72.5,)}, "multiples of 5"),
        ({"qualities": (0.0,)}, "from 5 to 95"),
        ({"qualities": (105.0,)}, "from 5 to 95"),
        (
            {
                "factors": tuple(1 + number / 16 for number in range(1, 60)),
                "qualities": (20.0, 40.0, 60.0, 80.0),
            },
            "60 factors and 5 qualities are 300 networks, expected up to 256",
        ),
    ],
)
def test_invalid_options_are_rejected(changed: dict[str, object], text: str) -> None:
    with pytest.raises(UsageError, match=text):
        spec(**{"steps": 1, **changed})  # type: ignore[arg-type] # for short


def test_gains_are_measured_at_the_anchors_and_midway() -> None:
    assert list_measured_factors((1.0, 2.0, 4.0)) == [1.5, 2.0, 3.0, 4.0]
    # At 1.03125, every bank is the identity, so a comparison would be meaningless.
    assert list_measured_factors((1.0, 1.0625, 1.5)) == [1.0625, 1.28125, 1.5]


def test_models_are_compared_at_all_anchors_and_midway_along_both_axes() -> None:
    both = TrainingSpec.of(factors=(2.0,), qualities=(50.0, CLEAN), steps=1)
    jpegs = [Condition(1, 50), Condition(2, 50), Condition(1.5, 75)]
    assert list_conditions(both) == sorted([Condition(1.5), Condition(2), *jpegs])
    kept = TrainingSpec.of(factors=(2.0,), qualities=(50.0,), steps=1)
    assert list_conditions(kept) == sorted(jpegs)
    assert list_kept_conditions(kept) == [Condition(1.5), Condition(2)]
    assert list_kept_conditions(both) == []
