"""Windows: stamped samples become fixed-length windows, a pure function of the data."""
