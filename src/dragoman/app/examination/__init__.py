"""What is wrong with an installation: small checks, in the order in which they are printed."""
