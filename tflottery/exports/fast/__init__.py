"""Fast networks: what a unit costs, the best ticket of whole units within a budget, the frontier"""
