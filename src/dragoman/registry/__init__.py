"""The control plane's use cases: one module per noun, each knows ports only."""
