"""Entries: who takes part, in which track, for which unit."""
