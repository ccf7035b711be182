"""Stage scores become a ranked board."""
