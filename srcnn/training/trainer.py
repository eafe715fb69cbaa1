"""The training: steps until its end, which can be left at any time and taken up again."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from srcnn.training.factor_interpolation import hats, keep_identity, step_factors, weights_at
from srcnn.training.luma_network import Luma, identity, sharpen
from srcnn.training.patches import Batch, Patches, Plane
from srcnn.training.save_checkpoint import to_checkpoint
from srcnn.training.soap import Soap
from srcnn.training.state_file import fingerprint, load_state, save_state
from srcnn.training.training_spec import Device, TrainingSpec
from srcnn.training.validation import gains

_PEAK = 3e-3  # learning rate; of 1e-3, 3e-3 and 1e-2, at x3, the best
_WARM_UP = 200  # steps
_FALL_FROM = 0.25  # of the schedule; from there on the rate falls to 0 in a straight line
_TOGETHER = 0.05  # of the schedule, in which all anchors of a new bank learn as one
_MEMORY = 0.98  # of the mean error of bicubic at each segment
_NEW_SCALE = 0.5  # of a patch's loss: the rest by what bicubic makes of such patches on average


@dataclass(frozen=True)
class Moment:
    """Where a training is.

    Attributes:
        step: done so far.
        seconds: spent training, over all starts.
        done: share of the whole, 0 to 1.
        loss: mean since the moment before, relative to bicubic's squared error.
        gains: PSNR over bicubic on the held-out pictures, in dB by factor.
    """

    step: int
    seconds: float
    done: float
    loss: float
    gains: dict[float, float]


class Trainer:
    """Trains a bank of luma networks."""

    def __init__(
        self,
        spec: TrainingSpec,
        pictures: Sequence[Plane],
        held_out: Sequence[Plane],
        start: Luma | None,
        state_file: Path,
    ) -> None:
        """Take up the training of a state file, or begin it.

        Args:
            spec: what to train, and for how long; the length may change from start to start.
            pictures: to train on, (H, W) uint8 luma of BT.601 in full range.
            held_out: to validate on, likewise.
            start: a network for each anchor; None for the identity.
            state_file: kept there; its folder exists.

        Raises:
            TrainingStateError: the state file belongs to another training.
            UsageError: the pictures are too small.
        """
        self.spec = spec
        self._held_out = list(held_out)
        self._patches = Patches(pictures)
        self._file = state_file
        self._device = torch.device(_device(spec.device))
        self._belongs_to = fingerprint(spec, [*pictures, *held_out])
        state = load_state(state_file, self._belongs_to)
        self.step = state["step"] if state else 0
        self.seconds = state["seconds"] if state else 0.0
        self.is_new = state["is_new"] if state else start is None
        self._bicubic: list[float] = state["bicubic"] if state else []
        begun = start or identity(len(spec.anchors), spec.seed)
        stack = Luma(*state["weights"]) if state else begun
        self._stack = stack.map(lambda matrix: matrix.clone().to(self._device))
        keep_identity(self._stack)
        self._optimiser = Soap(self._stack.matrices)
        if state:
            self._optimiser.load(_moved(state["optimiser"], self._device))

    @property
    def weights(self) -> Luma:
        """The stack as it is now, (K, ...), on the processor."""
        return self._stack.map(lambda matrix: matrix.detach().cpu().clone())

    @property
    def done(self) -> float:
        """The share of the training that lies behind."""
        by_steps = self.step / self.spec.steps if self.spec.steps else 0.0
        by_time = self.seconds / (self.spec.hours * 3600) if self.spec.hours else 0.0
        return min(max(by_steps, by_time), 1.0)

    def run(
        self,
        on_validation: Callable[[Moment], None],
        stopped: Callable[[], bool] = lambda: False,
        validate_every_seconds: float = 120.0,
    ) -> bool:
        """Train to the end, or until told to stop; save at each validation and at last.

        Args:
            on_validation: told at each validation, the last one at the end.
            stopped: asked after each step.
            validate_every_seconds: time of training between two.

        Returns:
            Whether the end is reached.
        """
        losses: list[float] = []
        validated = self.seconds
        with _single_threaded(), ThreadPoolExecutor(self._workers()) as executor:
            while self.done < 1 and not stopped():
                began = time.monotonic()
                losses.append(self._advance(executor))
                self.seconds += time.monotonic() - began
                if self.seconds - validated >= validate_every_seconds and self.done < 1:
                    self._tell(losses, on_validation)
                    validated, losses = self.seconds, []
            self._tell(losses, on_validation)
        return self.done >= 1

    def checkpoint(self, meta: Mapping[str, Any]) -> bytes:
        """The weights as they are now, as a file for `export-srcnn`; see `to_checkpoint`."""
        return to_checkpoint(self.weights, self.spec.anchors, meta)

    def _workers(self) -> int:
        return self.spec.threads if self._device.type == "cpu" else 1

    def _tell(self, losses: Sequence[float], on_validation: Callable[[Moment], None]) -> None:
        self._save()
        loss = sum(losses) / len(losses) if losses else 0.0
        gained = gains(self.weights, self.spec.anchors, self._held_out)
        on_validation(Moment(self.step, self.seconds, self.done, loss, gained))

    def _save(self) -> None:
        content = {
            "step": self.step,
            "seconds": self.seconds,
            "is_new": self.is_new,
            "bicubic": self._bicubic,
            "weights": self.weights.matrices,
            "optimiser": self._optimiser.state(),
        }
        save_state(self._file, self._belongs_to, content)

    def _advance(self, executor: ThreadPoolExecutor) -> float:
        """One step; its loss."""
        rng = np.random.default_rng([self.spec.seed, self.step])
        factors = step_factors(self.spec.anchors, rng)
        streams = rng.spawn(len(factors))
        known: Sequence[float | None] = self._bicubic or [None] * len(factors)
        # The longest first, so that no thread waits long for the last.
        order = sorted(range(len(factors)), key=lambda index: -factors[index])
        results = executor.map(
            lambda index: self._learn(factors[index], streams[index], known[index]), order
        )
        gradients = self._stack.map(torch.zeros_like).matrices
        loss, bicubic = 0.0, [0.0] * len(factors)
        for index, lesson in zip(order, results, strict=True):
            bicubic[index] = lesson.bicubic
            loss += lesson.loss / len(factors)
            for total, gradient in zip(gradients, lesson.gradients, strict=True):
                total.add_(lesson.shares[:, None, None] * gradient)
        self._remember(bicubic)
        self._move(gradients)
        return loss

    def _learn(self, factor: float, rng: np.random.Generator, known: float | None) -> _Lesson:
        batch = self._patches.draw(factor, rng).to(self._device)
        shares = torch.from_numpy(hats(factor, self.spec.anchors)).to(self._device).float()
        weights = weights_at(self._stack, shares).map(torch.Tensor.requires_grad_)
        loss, bicubic = relative_loss(batch, weights, known)
        gradients = torch.autograd.grad(loss, weights.matrices)
        return _Lesson(shares, gradients, float(loss.detach()), bicubic)

    def _remember(self, bicubic: Sequence[float]) -> None:
        pairs = zip(self._bicubic or bicubic, bicubic, strict=True)
        self._bicubic = [_MEMORY * old + (1 - _MEMORY) * new for old, new in pairs]

    def _move(self, gradients: list[torch.Tensor]) -> None:
        if self.is_new and self.done < _TOGETHER:
            gradients = [total.sum(0, keepdim=True).expand_as(total) for total in gradients]
        falling = min((1 - self.done) / (1 - _FALL_FROM), 1.0)
        rising = min((self.step + 1) / _WARM_UP, 1.0)
        self._optimiser.step(gradients, _PEAK * rising * falling)
        keep_identity(self._stack)
        self.step += 1


@dataclass(frozen=True)
class _Lesson:
    """What one batch teaches."""

    shares: torch.Tensor
    gradients: tuple[torch.Tensor, ...]
    loss: float
    bicubic: float


def relative_loss(batch: Batch, weights: Luma, known: float | None) -> tuple[torch.Tensor, float]:
    """The squared error relative to that of bicubic, and bicubic's mean.

    Else hard pictures would hide smooth ones, and large factors small ones. Half by the patch's
    own, half by the mean `known` from before: a flat patch, where bicubic is all but
    right, must not count without bound.
    """
    bicubic = batch.errors(batch.enlarged)
    mean = float(bicubic.mean())
    scale = _NEW_SCALE * bicubic + (1 - _NEW_SCALE) * (known or mean) + 1e-8
    errors = batch.errors(sharpen(batch.enlarged, weights))
    return (errors / scale).mean(), mean


def _device(wanted: Device) -> str:
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return wanted


def _moved(value: Any, device: torch.device) -> Any:
    if isinstance(value, torch.Tensor):
        return value.to(device)
    if isinstance(value, list):
        return [_moved(item, device) for item in value]
    if isinstance(value, dict):
        return {key: _moved(item, device) for key, item in value.items()}
    return value


@contextlib.contextmanager
def _single_threaded() -> Iterator[None]:
    """Each thread of ours computes a batch of its own: torch's would only get in their way."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
