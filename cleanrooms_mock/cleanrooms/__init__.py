"""The service: a module for each resource, and in it a function for each operation."""
