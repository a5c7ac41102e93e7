"""Modalities: what each kind of sensor needs, one folder each."""
