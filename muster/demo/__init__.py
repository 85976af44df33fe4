"""The demo brands: data to look at, seeded the same every time, and the journey that shows it all."""
