"""Recordings: bags are read, written, labelled, inspected and imported from other data sets."""
