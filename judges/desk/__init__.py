"""The judge's tablet and the chief judge's console."""
