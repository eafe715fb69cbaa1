"""Export PyTorch checkpoints to ONNX: conventions, exporters, comparison. Needs torch."""
