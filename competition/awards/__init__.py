"""Ranks become prizes and team points."""
