"""What a store is owed of a car that it handed over: its fee, or its part of a stock car's price."""
