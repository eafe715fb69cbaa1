"""The training loop, which can be interrupted at any step and resumed from its state file."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from srcnn.quality.conditions import Condition
from srcnn.training.devices import choose_device, limit_torch_to_one_thread, move_to
from srcnn.training.gradients import BatchGradients, compute_gradients
from srcnn.training.initial_weights import create_identity
from srcnn.training.luma_network import Luma
from srcnn.training.patches import Patches, Plane
from srcnn.training.save_checkpoint import to_checkpoint
from srcnn.training.soap import Soap
from srcnn.training.state_file import compute_fingerprint, load_state, save_state
from srcnn.training.training_spec import TrainingSpec
from srcnn.training.validation import measure_gains
from srcnn.training.weight_interpolation import compute_shares, draw_conditions, keep_identity

_PEAK_RATE = 3e-3  # learning rate; the best of 1e-3, 3e-3 and 1e-2, at x3, from the identity
_FINE_RATE = 1e-3  # from a model that was trained before, which a higher rate would forget first
_WARM_UP_STEPS = 200
_DECAY_START = 0.25  # share of the training; from there on the rate falls to 0 linearly
_SHARED_SHARE = 0.05  # of the training, in which all anchors of a new bank get the same updates
_ERROR_MOMENTUM = 0.98  # of the running mean of bicubic's error in each segment


@dataclass(frozen=True)
class Moment:
    """The state of a training at a validation.

    Attributes:
        step: number of steps so far.
        seconds: spent training, over all starts.
        done: share of the whole training, 0 to 1.
        loss: mean since the last validation, relative to bicubic's squared error.
        gains: PSNR over bicubic on the held-out pictures, in dB by condition.
    """

    step: int
    seconds: float
    done: float
    loss: float
    gains: dict[Condition, float]


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
        """Resume the training of a state file, or begin a new one.

        Args:
            spec: what to train, and for how long; the length may differ from start to start.
            pictures: to train on, (H, W) uint8 luma of BT.601 in full range.
            held_out: to validate on, of the same kind.
            start: a network for each factor and quality; None for the identity.
            state_file: where the state is saved; its folder exists.

        Raises:
            TrainingStateError: the state file belongs to another training.
            UsageError: the pictures are too small.
        """
        self.spec = spec
        self._held_out = list(held_out)
        self._patches = Patches(pictures)
        self._file = state_file
        self._device = choose_device(spec.device)
        self._fingerprint = compute_fingerprint(spec, [*pictures, *held_out])
        state = load_state(state_file, self._fingerprint)
        self.step = state["step"] if state else 0
        self.seconds = state["seconds"] if state else 0.0
        self.is_new = state["is_new"] if state else start is None
        self._bicubic: list[float] = state["bicubic"] if state else []
        initial = start or create_identity(spec.networks, spec.seed)
        stack = Luma(*state["weights"]) if state else initial
        self._stack = stack.map(lambda matrix: matrix.clone().to(self._device))
        keep_identity(self._stack, spec)
        self._kept = self._stack.map(lambda matrix: matrix[self._list_kept()].clone())
        self._optimiser = Soap(self._stack.matrices)
        if state:
            self._optimiser.load(move_to(state["optimiser"], self._device))

    @property
    def weights(self) -> Luma:
        """A copy of the current stack, (K * M, ...), on the CPU."""
        return self._stack.map(lambda matrix: matrix.detach().cpu().clone())

    @property
    def done(self) -> float:
        """The share of the training that is done, 0 to 1."""
        by_steps = self.step / self.spec.steps if self.spec.steps else 0.0
        by_time = self.seconds / (self.spec.hours * 3600) if self.spec.hours else 0.0
        return min(max(by_steps, by_time), 1.0)

    def run(
        self,
        on_validation: Callable[[Moment], None],
        is_stopped: Callable[[], bool] = lambda: False,
        validate_every_seconds: float = 120.0,
    ) -> bool:
        """Train to the end, or until stopped; save the state at each validation and at the end.

        Args:
            on_validation: called with each validation, the last one at the end.
            is_stopped: called after each step.
            validate_every_seconds: of training, between two validations.

        Returns:
            Whether the end was reached.
        """
        losses: list[float] = []
        validated = self.seconds
        with limit_torch_to_one_thread(), ThreadPoolExecutor(self._count_threads()) as executor:
            while self.done < 1 and not is_stopped():
                began = time.monotonic()
                losses.append(self._advance(executor))
                self.seconds += time.monotonic() - began
                if self.seconds - validated >= validate_every_seconds and self.done < 1:
                    self._validate(losses, on_validation)
                    validated, losses = self.seconds, []
            self._validate(losses, on_validation)
        return self.done >= 1

    def checkpoint(self, meta: Mapping[str, Any]) -> bytes:
        """Return the current weights as a file for `export-srcnn`; see `to_checkpoint`."""
        return to_checkpoint(self.weights, self.spec, meta)

    def _count_threads(self) -> int:
        return self.spec.threads if self._device.type == "cpu" else 1

    def _validate(self, losses: Sequence[float], on_validation: Callable[[Moment], None]) -> None:
        self._save()
        loss = sum(losses) / len(losses) if losses else 0.0
        gains = measure_gains(self.weights, self.spec, self._held_out)
        on_validation(Moment(self.step, self.seconds, self.done, loss, gains))

    def _save(self) -> None:
        content = {
            "step": self.step,
            "seconds": self.seconds,
            "is_new": self.is_new,
            "bicubic": self._bicubic,
            "weights": self.weights.matrices,
            "optimiser": self._optimiser.state(),
        }
        save_state(self._file, self._fingerprint, content)

    def _advance(self, executor: ThreadPoolExecutor) -> float:
        """Take one step; return its loss."""
        rng = np.random.default_rng([self.spec.seed, self.step])
        drawn = draw_conditions(self.spec, rng)
        streams = rng.spawn(len(drawn))
        mean_errors: Sequence[float | None] = self._bicubic or [None] * len(drawn)
        # The largest factors take longest: first, so that no thread waits long for the last one.
        order = sorted(range(len(drawn)), key=lambda index: -drawn[index].factor)
        results = executor.map(
            lambda index: self._learn(drawn[index], streams[index], mean_errors[index]), order
        )
        totals = self._stack.map(torch.zeros_like).matrices
        loss, bicubic = 0.0, [0.0] * len(drawn)
        for index, result in zip(order, results, strict=True):
            bicubic[index] = result.bicubic
            loss += result.loss / len(drawn)
            for total, gradient in zip(totals, result.gradients, strict=True):
                total.add_(result.shares[:, None, None] * gradient)
        self._update_mean_errors(bicubic)
        self._update_weights(totals)
        return loss

    def _learn(
        self, condition: Condition, rng: np.random.Generator, mean_error: float | None
    ) -> BatchGradients:
        batch = self._patches.draw(condition, rng).to(self._device)
        shares = torch.from_numpy(compute_shares(condition, self.spec))
        return compute_gradients(batch, self._stack, shares.to(self._device).float(), mean_error)

    def _update_mean_errors(self, bicubic: Sequence[float]) -> None:
        pairs = zip(self._bicubic or bicubic, bicubic, strict=True)
        self._bicubic = [_ERROR_MOMENTUM * old + (1 - _ERROR_MOMENTUM) * new for old, new in pairs]

    def _update_weights(self, gradients: list[torch.Tensor]) -> None:
        if self.is_new and self.done < _SHARED_SHARE:
            gradients = [total.sum(0, keepdim=True).expand_as(total) for total in gradients]
        decay = min((1 - self.done) / (1 - _DECAY_START), 1.0)
        warm_up = min((self.step + 1) / _WARM_UP_STEPS, 1.0)
        peak = _PEAK_RATE if self.is_new else _FINE_RATE
        self._optimiser.step(gradients, peak * warm_up * decay)
        keep_identity(self._stack, self.spec)
        for matrix, kept in zip(self._stack.matrices, self._kept.matrices, strict=True):
            matrix[self._list_kept()] = kept
        self.step += 1

    def _list_kept(self) -> list[int]:
        """List the networks that are not trained."""
        count = len(self.spec.qualities)
        return list(range(count - 1, self.spec.networks, count)) if self.spec.keeps_clean else []
