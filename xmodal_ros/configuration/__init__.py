"""Configuration: what a training run may be asked, checked as a whole, and its defaults."""
