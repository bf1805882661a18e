"""A real LLM engine for end-to-end tests: llama.cpp's server with a tiny model made on the spot."""
