"""The gateway: one route table and its rendering."""
