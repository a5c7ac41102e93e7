"""Training: data sets from recordings, fitting, splits, metrics."""
