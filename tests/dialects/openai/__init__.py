"""OpenAI's API, over HTTP, on the shipped server."""
