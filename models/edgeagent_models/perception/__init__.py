"""A screen -> its texts and widgets, from pixels alone, by ONNX networks. Read `service` first."""
