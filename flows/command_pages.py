"""What the help of each command says besides its options: a summary, the usage, examples.

Imports nothing heavy: `srcnn --help` shows the summaries without loading the flows.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CommandPage:
    """The texts of one command.

    Attributes:
        summary: what it does, in one sentence.
        arguments: what follows the name of the program.
        examples: arguments that work, each with what they do.
    """

    summary: str
    arguments: str
    examples: dict[str, str]

    def format_examples(self, program: str) -> str:
        """Return the examples, each below what it does.

        Args:
            program: as users type it, such as `srcnn upscale`.
        """
        lines = [
            f"  # {purpose}\n  {program} {arguments}"
            for arguments, purpose in self.examples.items()
        ]
        return "\n".join(["Examples:", *lines])


SRCNN = CommandPage(
    "Upscale images with SRCNN; export and train its models.",
    "COMMAND",
    {
        "upscale photos": "twice as large, into photos-upscaled",
        "upscale --help": "the options of a command",
    },
)
PAGES = {
    "upscale": CommandPage(
        "Upscale a folder or bucket of images, each by its own factor.",
        "SRC [DST] [OPTIONS]",
        {
            "photos": "twice as large, into photos-upscaled",
            "photos s3://bucket/large --scale width=3840": "3840 px wide, into a bucket",
        },
    ),
    "export": CommandPage(
        "Export a checkpoint to ONNX, check the graph, publish it.",
        "[OPTIONS]",
        {
            "--checkpoint weights.pth --dst models": "writes models/srcnn.onnx",
            "--check models/srcnn.onnx": "checks a graph, and writes nothing",
        },
    ),
    "train": CommandPage(
        "Train weights on your own pictures; use them where they are better.",
        "SRC (--hours N | --steps N) [OPTIONS]",
        {
            "photos --hours 4": "after Ctrl-C, the same command resumes",
            "photos --hours 4 --dst s3://bucket/models": "the current model is in a bucket",
        },
    ),
    "history": CommandPage(
        "Show the last runs of a destination, the newest first.",
        "DST [OPTIONS]",
        {
            "photos-upscaled": "the last 14 runs",
            "s3://bucket/large --failures": "what --known-failures of a run takes",
        },
    ),
}
