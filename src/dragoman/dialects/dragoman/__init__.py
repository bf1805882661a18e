"""Dragoman's own API: everything, in the domain's words."""
