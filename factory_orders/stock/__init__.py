"""Light inventory: the cars that stand at stores for nobody, their prices, signed quotes and holds."""
