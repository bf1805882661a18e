"""The command line as it is shipped: every test here runs the real command."""
