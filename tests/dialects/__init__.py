"""What each dialect answers, over HTTP."""
