"""Metrics: scores, counts that add up, intervals and tests of differences."""
