"""What a plant receives and reports: build orders going out, stages coming in."""
