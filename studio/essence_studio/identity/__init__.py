"""The identity network: mouth coefficients and pose to a mouth patch of one face."""
