"""Play a recording to the real nodes, and collect what they decide."""
