"""Listen to what a running robot says."""
