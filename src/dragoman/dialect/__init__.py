"""What all dialects share: how a request is read, whose it is, and what failures look like."""
