"""Which waiting orders a plant builds together: the partition of DOMAIN section 6.5 with its cost, bound and gap."""
