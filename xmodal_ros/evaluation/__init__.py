"""Evaluation: a bundle's decisions over recordings, scored, compared with live, and shown."""
