"""Judges of a contest."""
