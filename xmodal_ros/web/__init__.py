"""The pages: what they have in common, the report of an evaluation, and the labelling page."""
