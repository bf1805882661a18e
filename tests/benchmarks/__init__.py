"""The benchmark itself: that it runs, and that it believes no wrong answer."""
