"""What a car needs on paper before its buyer drives off: the vehicle invoice, an insurance, a plate."""
