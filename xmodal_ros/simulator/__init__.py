"""Simulated recordings: a person in a room, seen, heard and felt by a robot's sensors.

One smooth articulated motion, a pure function of time, drives every sensor; docs/simulator.md
says what is modelled and what is not.
"""
