"""Formats: the files that a ticket can be written as, a module each; how each is loaded again"""
