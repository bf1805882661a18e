"""What the way out promises: every answer to its caller, every address judged, nothing left."""
