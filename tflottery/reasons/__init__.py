"""Reasons: what words and n-grams do to a network's scores, whoever computes those"""
