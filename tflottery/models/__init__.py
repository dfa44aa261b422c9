"""Networks: what an architecture is, by name, and what is known of any: weights, units, roles,
streams of chance."""
