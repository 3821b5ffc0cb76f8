"""What runs a task's code: in the event loop, in threads, in processes. It decides no verdict."""
