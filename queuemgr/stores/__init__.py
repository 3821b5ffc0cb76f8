"""What holds jobs: one folder for each store. They never import one another."""
