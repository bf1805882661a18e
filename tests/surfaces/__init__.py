"""Tests that hold for every registry dialect: what is described, and who may do what."""
