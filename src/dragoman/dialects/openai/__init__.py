"""OpenAI's API, for calling what is registered."""
