"""What the claims of speed rest on: each module runs from a command and prints a table."""
