"""What every encoder and method must hold, as checks for this package's own and for others'."""
