"""Train the weights that ship with the project, on one CPU in about an hour.

    python scripts/train_bundled.py --images T91 --images BSDS400 --hours 1.2 \
        --out srcnn/weights/srcnn.pth

One set of weights serves every factor and every kind of picture, so the loss is
relative: the squared error of each patch is divided by that of plain bicubic
upsampling at the same factor, or smooth pictures would not count at all; and the
factor that gains least counts most.
The network starts at the identity, which equals bicubic; what is kept is the step
whose least gain on held-out pictures is the largest. A later start with the same
OUT goes on where the last validation left off.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.nn import functional

from srcnn.export.network import Srcnn

FACTORS = (2, 3, 4)
BETWEEN = 0.25  # share of the batches at a factor drawn from 1.2..4.5
PATCH_PX = 84  # divisible by 2, 3 and 4
BORDER_PX = 6  # what the zero padding of the three layers can reach
BATCH = 16
HELD_OUT = 24
VALIDATE_EVERY = 500
SMOOTH = 2e-5  # squared error, 47 dB, under which a patch begins to count less
LUMA = torch.tensor([65.481, 128.553, 24.966]).view(1, 3, 1, 1) / 255.0  # ITU-R BT.601


@dataclass
class Progress:
    """What a later start of the script needs beside the tensors."""

    step: int = 0
    seconds: float = 0.0
    best_score: float = -math.inf
    best_step: int = 0


def read_images(folders: list[Path]) -> list[torch.Tensor]:
    """Every picture below the folders that holds a patch, (3, H, W) float32 RGB in 0..1."""
    endings = {".bmp", ".jpg", ".png"}
    files = sorted(
        file for folder in folders for file in folder.rglob("*") if file.suffix.lower() in endings
    )
    decoded = [cv2.imread(str(file), cv2.IMREAD_COLOR) for file in files]
    return [
        torch.from_numpy(image[..., ::-1].copy()).permute(2, 0, 1).float() / 255
        for image in decoded
        if image is not None and min(image.shape[:2]) >= PATCH_PX
    ]


def degrade(sharp: torch.Tensor, factor: float) -> torch.Tensor:
    """Shrink by antialiased bicubic (a = -0.5, as MATLAB), round to 8 bits, enlarge again."""
    height, width = sharp.shape[-2:]
    small = (round(height / factor), round(width / factor))
    low = functional.interpolate(sharp, size=small, mode="bicubic", antialias=True)
    low = (low.clamp(0, 1) * 255).round() / 255
    return functional.interpolate(low, size=(height, width), mode="bicubic")


@torch.no_grad()
def start_at_identity(network: Srcnn) -> None:
    """Pass the three channels straight through all layers; the other filters start at random."""
    for layer in (network.conv1, network.conv2, network.conv3):
        centre = layer.kernel_size[0] // 2
        torch.nn.init.zeros_(layer.bias)  # type: ignore[arg-type] # the layers have biases
        layer.weight[:3] = 0.0
        for channel in range(3):
            layer.weight[channel, channel, centre, centre] = 1.0
    network.conv2.weight[3:, :3] = 0.0
    network.conv3.weight[:, 3:] = 0.0


def random_batch(images: list[torch.Tensor], rng: random.Random) -> torch.Tensor:
    """BATCH random crops with random flips and turns, (BATCH, 3, PATCH_PX, PATCH_PX)."""
    crops = []
    for _ in range(BATCH):
        image = rng.choice(images)
        top = rng.randrange(image.shape[1] - PATCH_PX + 1)
        left = rng.randrange(image.shape[2] - PATCH_PX + 1)
        crop = image[:, top : top + PATCH_PX, left : left + PATCH_PX]
        crop = torch.rot90(crop, rng.randrange(4), (1, 2))
        crops.append(crop.flip(2) if rng.random() < 0.5 else crop)
    return torch.stack(crops)


def psnr(image: torch.Tensor, sharp: torch.Tensor, border: int) -> tuple[float, float]:
    """PSNR in dB on RGB and on Y of BT.601, images rounded to 8 bits, border cropped."""
    difference = (image.clamp(0, 1) * 255).round() / 255 - sharp
    cropped = difference[..., border:-border, border:-border]
    luma = (cropped * LUMA).sum(1)
    rgb_error, luma_error = (float(error.square().mean()) for error in (cropped, luma))
    return -10 * math.log10(rgb_error), -10 * math.log10(luma_error)


@torch.no_grad()
def gains(network: Srcnn, held_out: list[torch.Tensor]) -> dict[int, float]:
    """Mean gain over bicubic in dB at each of FACTORS: the lesser of that on RGB and on Y."""
    result = {}
    for factor in FACTORS:
        differences = []
        for image in held_out:
            sharp = image[None, :, : image.shape[1] // 12 * 12, : image.shape[2] // 12 * 12]
            blurred = degrade(sharp, factor)
            after, before = psnr(network(blurred), sharp, factor), psnr(blurred, sharp, factor)
            differences.append(np.subtract(after, before))
        result[factor] = float(np.mean(differences, axis=0).min())
    return result


def weights_for(gain: dict[int, float]) -> dict[int, float]:
    """How much each factor counts; 1 dB behind weighs twelve times as much, 1 on average."""
    raw = {factor: math.exp(-2.5 * gained) for factor, gained in gain.items()}
    scale = len(raw) / sum(raw.values())
    return {factor: weight * scale for factor, weight in raw.items()}


def relative_loss(
    network: Srcnn, sharp: torch.Tensor, factor: float, weights: dict[int, float]
) -> torch.Tensor:
    """The mean error of patches at one factor, relative to bicubic's and weighed."""
    blurred = degrade(sharp, factor)
    inner = slice(BORDER_PX, -BORDER_PX)
    bicubic = (blurred - sharp)[..., inner, inner].square().mean((1, 2, 3))
    error = (network(blurred) - sharp)[..., inner, inner].square().mean((1, 2, 3))
    nearest = min(FACTORS, key=lambda known: abs(known - factor))
    return weights[nearest] * (error / (bicubic + SMOOTH)).mean()


def learning_rate(done: float, peak: float) -> float:
    """One cycle over the share `done` of the schedule: a short rise, a cosine fall."""
    rise = 0.1
    if done < rise:
        return peak * (0.05 + 0.95 * done / rise)
    return peak * (0.002 + 0.499 * (1 + math.cos(math.pi * (done - rise) / (1 - rise))))


def save(file: Path, content: dict[str, object]) -> None:
    """Write a file of tensors, whole or not at all."""
    temporary = file.with_suffix(".part")
    torch.save(content, temporary)
    temporary.replace(file)


class Training:
    """The state of a training that can be left and taken up again."""

    def __init__(self, options: argparse.Namespace) -> None:
        """Start at the identity, or where the last start left off."""
        torch.manual_seed(options.seed)
        self.options = options
        images = read_images(options.images)
        random.Random(options.seed).shuffle(images)
        self.held_out, self.images = images[:HELD_OUT], images[HELD_OUT:]
        self.network = Srcnn()
        start_at_identity(self.network)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=options.lr)
        self.progress = Progress()
        self.state_file: Path = options.out.with_suffix(".state")
        if self.state_file.exists():
            state = torch.load(self.state_file, weights_only=True)
            self.network.load_state_dict(state["network"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.progress = Progress(**state["progress"])
        self.rng = random.Random(options.seed + self.progress.step)
        self.weights = dict.fromkeys(FACTORS, 1.0)
        self.started = time.monotonic() - self.progress.seconds

    def run(self) -> None:
        """Step until the hours or the steps are over, validating now and then."""
        while (done := self.done()) < 1:
            if self.progress.step % VALIDATE_EVERY == 0:
                self.validate()
            self.step(done)
        self.validate()

    def done(self) -> float:
        """The share of the schedule that lies behind."""
        self.progress.seconds = time.monotonic() - self.started
        by_time = self.progress.seconds / (self.options.hours * 3600)
        by_steps = self.progress.step / self.options.steps if self.options.steps else 0.0
        return max(by_time, by_steps)

    def step(self, done: float) -> None:
        """One batch at one factor."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(done, self.options.lr)
        factor: float = self.rng.choice(FACTORS)
        if self.rng.random() < BETWEEN:
            factor = self.rng.uniform(1.2, 4.5)
        sharp = random_batch(self.images, self.rng)
        self.optimizer.zero_grad()
        loss = relative_loss(self.network, sharp, factor, self.weights)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.progress.step += 1

    def validate(self) -> None:
        """Measure, keep the best, weigh the factors anew, save the state and tell."""
        gain = gains(self.network, self.held_out)
        self.weights = weights_for(gain)
        progress = self.progress
        score = min(gain.values()) + 0.2 * float(np.mean(list(gain.values())))
        if score > progress.best_score:
            progress.best_score, progress.best_step = score, progress.step
            save(
                self.options.out, {"state_dict": self.network.state_dict(), "meta": self.meta(gain)}
            )
        content: dict[str, object] = {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "progress": asdict(progress),
        }
        save(self.state_file, content)
        told = {f"x{factor}": round(gained, 3) for factor, gained in gain.items()}
        minutes = round(progress.seconds / 60, 1)
        print(json.dumps({"step": progress.step, "minutes": minutes, **told}), flush=True)

    def meta(self, gain: dict[int, float]) -> dict[str, object]:
        """What the checkpoint says of itself."""
        return {
            "step": self.progress.step,
            "seed": self.options.seed,
            "convention": "rgb-unit",
            "gain_db_over_bicubic_on_held_out": {str(f): round(g, 3) for f, g in gain.items()},
        }


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--images", type=Path, action="append", required=True, help="folder; may be given again"
    )
    parser.add_argument("--hours", type=float, default=1.2, help="whole schedule, over all starts")
    parser.add_argument("--steps", type=int, help="end after this many, over all starts")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint to write")
    parser.add_argument("--lr", type=float, default=1.5e-3, help="peak of the one-cycle schedule")
    parser.add_argument("--seed", type=int, default=20261123, help="of everything random")
    return parser.parse_args(words)


if __name__ == "__main__":
    Training(parse()).run()
    sys.exit(0)
