"""What the sensors of a recording gave, made ready to be shown on a page."""
