"""The ground under every room: money, time, identity, storage and the rules of change. It knows no room."""
