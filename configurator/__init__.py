"""What can be built and what it costs: catalogue versions, rules, the solver, prices and the all-in quote."""
