"""Cubes: demand as counts that are released daily and show nobody (DOMAIN section 6.3)."""
