"""Data: recordings scanned, guarded, cut, cached, split and paired, whoever asks."""
