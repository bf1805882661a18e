"""Our side of callers' connections."""
