"""What gets built and where it goes: slots, batches, weeks, the line, vehicles, shipments and handovers."""
