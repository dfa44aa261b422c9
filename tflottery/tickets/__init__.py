"""Tickets: the plan of a search, the search, its verdict, and the portable ticket."""
