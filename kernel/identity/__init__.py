"""Who somebody is: accounts, sessions, roles, verified persons and machine accounts, for each brand apart."""
