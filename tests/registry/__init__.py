"""The use cases of the registry, in this process, on a real SQLite database."""
