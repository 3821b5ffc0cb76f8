"""The table of operations for agents, by the Model Context Protocol. What the tools do is decided elsewhere."""
