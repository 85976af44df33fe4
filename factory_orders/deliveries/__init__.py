"""From the plant's gate to the buyer's signature: shipments, appointments, handovers, balances, late credits."""
