"""Parts: what planned cars take, what suppliers were asked for and answered, and what is missing when."""
