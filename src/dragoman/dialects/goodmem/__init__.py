"""GoodMem's API for LLMs, as its clients know it."""
