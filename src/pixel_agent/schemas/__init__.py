"""Wire types, shared by the API, the client and exports; they import `core` only."""
