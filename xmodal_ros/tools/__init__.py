"""Tools that look at, drive and play for a running robot."""
