"""What goes out to audiences and screens."""
