"""One step per module, in the order of their numbers."""
