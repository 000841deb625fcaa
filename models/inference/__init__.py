"""Classifies face crops: one protocol, ONNX Runtime and TensorFlow behind it."""
