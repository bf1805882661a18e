"""Tests of Dragoman's own API, on the shipped start command."""
