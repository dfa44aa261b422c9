"""The networks that come along, one file each, and the fast layers that they are made of."""
