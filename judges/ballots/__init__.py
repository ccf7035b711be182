"""Versioned mark sheets and rulings: the evidence."""
