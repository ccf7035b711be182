"""Who judges what: panels, seats."""
