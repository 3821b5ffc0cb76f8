"""Looks after worker processes: starts them, keeps them alive, stops them."""
