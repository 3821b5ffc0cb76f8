"""Real servers for tests: started lazily, on ports of their own, ended whatever happens. It tests nothing itself."""
