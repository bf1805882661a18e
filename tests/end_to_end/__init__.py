"""The whole way: the shipped server, a real LLM engine, the official SDK."""
