"""Using an exported model: tables of texts with their scores, what the scores are worth, and why"""
