"""What is known of model families: data with its sources, and how an identifier finds it."""
