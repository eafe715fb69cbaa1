"""The comparison of a trained model with the current one, on the run's page in Prefect."""

from __future__ import annotations

from flows.output.markdown import format_table
from flows.output.prefect_artifacts import Content, publish
from srcnn.training.promotion import Verdict

VERDICT_KEY = "srcnn-promotion"


def show_verdict(verdict: Verdict) -> None:
    """Show PSNR in dB and SSIM by condition on the run's page."""
    head = ["source", "bicubic", "current", "candidate", "gain in dB", "SSIM", "current SSIM"]
    rows = [
        [
            row.condition.text,
            f"{row.bicubic.psnr_db:.2f}",
            f"{row.current.psnr_db:.2f}",
            f"{row.candidate.psnr_db:.2f}",
            f"{row.gain_db:+.2f}",
            f"{row.candidate.ssim:.4f}",
            f"{row.current.ssim:.4f}",
        ]
        for row in verdict.rows
    ]
    publish(VERDICT_KEY, "markdown", Content(format_table(head, rows), verdict.text))
