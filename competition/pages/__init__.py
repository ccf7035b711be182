"""Public pages that join several stages."""
