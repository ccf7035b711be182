"""A contest as one file: read, checked, written, and scored."""
