"""The room for large results. Importing it loads nothing; compression is loaded with the first large result."""
