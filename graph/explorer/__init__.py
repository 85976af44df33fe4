"""The API explorer: one page, one ES module, one style sheet of our own; it needs nothing from elsewhere."""
