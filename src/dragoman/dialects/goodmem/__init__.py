"""GoodMem's API for LLMs, as its clients know it; README.md says what is the same and what not."""
