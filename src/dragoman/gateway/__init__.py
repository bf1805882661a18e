"""The data plane's use cases: what happens between a caller's request and an LLM's answer."""
