"""What can be asked of a queue from outside, each as a function from a client to plain data."""
