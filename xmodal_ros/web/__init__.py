"""The pages: what they have in common, the report, the labelling page, and that of a robot."""
