"""What the API shows: one module a noun, each translating values of the rooms into GraphQL types and back."""
