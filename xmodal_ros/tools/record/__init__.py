"""Record the topics of a running robot: which ones, with whose QoS, and into what."""
