"""GraphQL, and only GraphQL: types, resolvers, loaders, limits, the committed schema, and the doors around them."""
