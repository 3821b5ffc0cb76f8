"""Who may come in and do what, over the network or at a terminal, and the list of what was done."""
