"""Who wants what: pre-orders that gather in pools, votes on what comes next, demand as numbers that show nobody."""
