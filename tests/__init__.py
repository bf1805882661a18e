"""What Dragoman promises, one folder per part, as in `src`."""
