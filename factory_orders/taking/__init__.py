"""A buyer takes the repaired car instead of another one."""
