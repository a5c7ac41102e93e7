"""Configuration: what a training run may be asked, its defaults, and the plan it makes."""
