"""What a buyer pays beside the car on the day of the balance: lines that others set."""
