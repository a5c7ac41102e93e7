"""Transfer methods: how a target learns from frozen sources. One file a method."""
