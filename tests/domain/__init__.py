"""What an LLM, a caller and a failure mean."""
