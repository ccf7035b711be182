"""Running order and code numbers."""
