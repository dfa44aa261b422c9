"""The search for a ticket: one data set, one seed, a verdict, and the ticket on disk."""
