"""What happened to one target, in the order of time: pure, from facts alone."""
