"""Marks become the score of one entry in one stage."""
