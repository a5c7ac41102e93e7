"""Streams: serialized messages of one sensor become arrays in SI units, one decoder a modality."""
