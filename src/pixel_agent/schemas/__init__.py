"""What goes over the wire, shared by the API, the client and exports."""
