"""The modality ``audio``."""
