"""PyTorch to ONNX: checkpoints, conventions, the exporters, parity. The only part with torch."""
