"""The APIs that our callers speak: one folder each, and none knows another."""
