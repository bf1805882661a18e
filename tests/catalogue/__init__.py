"""Tests of what is known of models, and of the script that refreshes it."""
