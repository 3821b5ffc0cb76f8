"""The service's process: its worker, its control socket and its registry file. User code never runs inside of it."""
