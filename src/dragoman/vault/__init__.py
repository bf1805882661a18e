"""Where secrets are sealed and opened. What goes in comes out only towards an upstream."""
