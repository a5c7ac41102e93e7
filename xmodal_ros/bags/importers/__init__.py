"""Importers: published data sets become bags like those a robot records."""
