"""The sources of the operator's secrets, each against a server of its own on this machine."""
