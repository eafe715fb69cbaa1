"""The machine and the library that runs models on it: cores, cgroups, ONNX Runtime sessions."""
