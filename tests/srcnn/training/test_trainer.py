from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from srcnn.errors import CheckpointError, TrainingStateError, UsageError
from srcnn.training.training_spec import DEFAULT_FACTORS, TrainingSpec, between

torch = pytest.importorskip("torch", reason="training needs torch")

from srcnn.export.srcnn_network import Srcnn  # noqa: E402 - behind the skip
from srcnn.training.factor_interpolation import hats, step_factors, weights_at  # noqa: E402
from srcnn.training.luma_network import Luma, identity, sharpen  # noqa: E402
from srcnn.training.luma_to_rgb import RED_GREEN_BLUE, to_colour, to_luma  # noqa: E402
from srcnn.training.patches import Patches, degraded  # noqa: E402
from srcnn.training.soap import Soap  # noqa: E402
from srcnn.training.trainer import Moment, Trainer, relative_loss  # noqa: E402

ANCHORS = (1.0, *DEFAULT_FACTORS)


def textured(seed: int, height: int = 200, width: int = 208) -> npt.NDArray[np.uint8]:
    """Bars and blobs with edges in all directions: what there is to sharpen."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    waves = sum(
        np.sign(np.sin(rows * a + columns * b + c)) for a, b, c in rng.uniform(-0.6, 0.6, (5, 3))
    )
    return np.asarray(128 + 22 * waves, dtype=np.uint8)


def random_stack(anchors: int = 8) -> Luma:
    """Networks that do something, whose factors differ."""
    torch.manual_seed(3)
    return identity(anchors, 1).map(lambda matrix: matrix + 0.05 * torch.randn(matrix.shape))


def spec(steps: int, **changed: object) -> TrainingSpec:
    return TrainingSpec.of(**{"factors": (2.0, 3.0), "steps": steps, "seed": 5, **changed})  # type: ignore[arg-type] # for short


def trained(
    file: Path, steps: int, *, stop_at: int | None = None, **changed: object
) -> tuple[Trainer, list[Moment]]:
    """A training on small pictures, and what it told."""
    pictures = [textured(seed) for seed in range(3)]
    trainer = Trainer(spec(steps, **changed), pictures, [textured(9)], None, file)
    told: list[Moment] = []
    trainer.run(told.append, lambda: trainer.step == stop_at)
    return trainer, told


@given(st.integers(16, 9 * 16))
def test_weights_go_in_straight_lines_between_the_anchors(sixteenths: int) -> None:
    shares = hats(sixteenths / 16, ANCHORS)
    assert shares.sum() == pytest.approx(1)
    assert shares @ ANCHORS == pytest.approx(min(sixteenths / 16, 8))
    assert np.count_nonzero(shares) <= 2


def test_every_anchor_is_trained_at_nearly_every_step() -> None:
    rng = np.random.default_rng(1)
    missed = 0
    for _ in range(100):
        factors = step_factors(ANCHORS, rng)
        assert len(factors) == 10
        assert min(factors) >= 1.04
        missed += not np.sum([hats(factor, ANCHORS) for factor in factors], axis=0)[1:].all()
    assert missed < 10  # a factor just above an anchor falls back onto it


def test_matrix_products_compute_the_convolutions() -> None:
    one = weights_at(random_stack(), torch.from_numpy(hats(2.7, ANCHORS)))
    picture = torch.rand(2, 13, 17)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(1, 61, 9, padding=4),
        torch.nn.ReLU(),
        torch.nn.Conv2d(61, 29, 1),
        torch.nn.ReLU(),
        torch.nn.Conv2d(29, 1, 5, padding=2),
    )
    network.load_state_dict(
        {
            "0.weight": one.first[:, :-1].reshape(61, 1, 9, 9),
            "0.bias": one.first[:, -1],
            "2.weight": one.second[:, :-1].reshape(29, 61, 1, 1),
            "2.bias": one.second[:, -1],
            "4.weight": one.third.T.reshape(1, 29, 5, 5),
            "4.bias": one.offset[0],
        }
    )
    weights = one.map(lambda matrix: matrix.clone().requires_grad_())
    found = sharpen(picture, weights)
    expected = picture + network(picture[:, None])[:, 0]
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=0)
    cotangent = torch.rand_like(found)
    gradients = torch.autograd.grad((found * cotangent).sum(), weights.matrices)
    (expected * cotangent).sum().backward()
    first, _, middle, _, last, _ = network.parameters()
    torch.testing.assert_close(gradients[0][:, :-1].reshape(first.shape), first.grad)
    torch.testing.assert_close(gradients[1][:, :-1].reshape(middle.shape), middle.grad)
    torch.testing.assert_close(gradients[2].T.reshape(last.shape), last.grad)


def test_in_colour_the_luma_is_the_same_and_nothing_else_changes() -> None:
    stack = random_stack()
    network = Srcnn()
    network.load_state_dict({name: values[3] for name, values in to_colour(stack).items()})
    picture = torch.rand(1, 3, 20, 24) * 1.7 - 0.35  # with the cubic's overshoots
    coefficients = torch.tensor(RED_GREEN_BLUE).view(1, 3, 1, 1)
    luma = (picture * coefficients).sum(1)
    added = sharpen(luma, Luma(*(matrix[3] for matrix in stack.matrices))) - luma
    assert added.abs().max() > 0.01
    torch.testing.assert_close(network(picture), picture + added[:, None], atol=1e-5, rtol=0)


def test_colour_weights_lead_back_to_luma() -> None:
    stack = random_stack()
    for found, expected in zip(to_luma(to_colour(stack)).matrices, stack.matrices, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)


def test_other_weights_are_refused() -> None:
    state = Srcnn().state_dict()
    with pytest.raises(CheckpointError, match=r"conv1\.weight differs.*start from the identity"):
        to_luma({name: values[None] for name, values in state.items()})


@settings(max_examples=20)
@given(st.sampled_from([1.25, 2.0, 2.6, 4.0, 8.0]), st.integers(0, 2**32))
def test_patches_are_what_bicubic_makes_of_them(factor: float, seed: int) -> None:
    batch = Patches([textured(1)]).draw(factor, np.random.default_rng(seed))
    assert batch.enlarged.shape == batch.sharp.shape
    assert batch.sharp.min() >= 0
    assert batch.sharp.max() <= 1
    difference = (batch.enlarged - batch.sharp).abs()
    assert 0 < difference.mean() < 0.25
    # Away from edges a flat picture stays what it was.
    flat = torch.full((1, 96, 96), 0.6)
    torch.testing.assert_close(degraded(flat, (48, 32)), flat, atol=2e-3, rtol=0)


def test_pictures_that_hold_no_patch_are_refused() -> None:
    with pytest.raises(UsageError, match="none of 1 pictures is 192 x 192 px"):
        Patches([textured(1, 150, 300)])


def test_the_optimiser_crosses_a_narrow_valley() -> None:
    """Where one direction is 10,000 times as steep as another, Adam's way is long."""
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


def test_training_gains_on_what_it_has_not_seen(tmp_path: Path) -> None:
    trainer, told = trained(tmp_path / "state", 150)
    assert trainer.done == 1
    assert told[-1].step == 150
    assert set(told[-1].gains) == {1.5, 2.0, 2.5, 3.0}
    assert min(told[-1].gains.values()) > 0.2


def test_the_loss_of_bicubic_is_one() -> None:
    batch = Patches([textured(1)]).draw(2.0, np.random.default_rng(0))
    loss, mean = relative_loss(batch, identity(1, 0).map(lambda matrix: matrix[0]), None)
    assert float(loss) == pytest.approx(1, abs=0.2)
    assert mean > 0


def test_a_training_that_is_left_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole, _ = trained(tmp_path / "whole", 8)
    left, told = trained(tmp_path / "parts", 8, stop_at=3)
    assert left.done < 1
    assert told[-1].step == 3
    went_on, _ = trained(tmp_path / "parts", 8)
    assert went_on.step == 8
    for found, expected in zip(went_on.weights.matrices, whole.weights.matrices, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)


def test_a_done_training_is_not_done_again(tmp_path: Path) -> None:
    trained(tmp_path / "state", 4)
    again, told = trained(tmp_path / "state", 4)
    assert again.step == 4
    assert [moment.step for moment in told] == [4]


@pytest.mark.parametrize("changed", [{"seed": 6}, {"factors": (2.0, 4.0)}])
def test_the_state_of_another_training_is_refused(
    tmp_path: Path, changed: dict[str, object]
) -> None:
    trained(tmp_path / "state", 1)
    with pytest.raises(TrainingStateError, match="of another training"):
        trained(tmp_path / "state", 1, **changed)


def test_a_torn_state_is_refused(tmp_path: Path) -> None:
    trained(tmp_path / "state", 1)
    content = (tmp_path / "state").read_bytes()
    (tmp_path / "state").write_bytes(content[: len(content) // 2])
    with pytest.raises(TrainingStateError, match=r"no state of a training.*delete it"):
        trained(tmp_path / "state", 1)


def test_at_factor_one_nothing_is_added(tmp_path: Path) -> None:
    trainer, _ = trained(tmp_path / "state", 3)
    one = weights_at(trainer.weights, torch.from_numpy(hats(1.0, trainer.spec.anchors)))
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
    ],
)
def test_a_training_that_cannot_be_is_refused(changed: dict[str, object], text: str) -> None:
    with pytest.raises(UsageError, match=text):
        spec(**{"steps": 1, **changed})  # type: ignore[arg-type] # for short


def test_what_is_measured_lies_at_the_anchors_and_between() -> None:
    assert between((1.0, 2.0, 4.0)) == [1.5, 2.0, 3.0, 4.0]
    # At 1.03125, every bank is the identity: none could be better than another.
    assert between((1.0, 1.0625, 1.5)) == [1.0625, 1.28125, 1.5]
