"""Transfer methods: how a target learns from other sensors. One file a method."""
