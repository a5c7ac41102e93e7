"""The modality ``skeleton``."""
