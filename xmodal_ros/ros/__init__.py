"""What nodes share: QoS, parameters, lifecycle, topics read as bytes, diagnostics."""
