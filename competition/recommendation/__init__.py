"""Prizes of many contests become lists for the awards of the level above."""
