"""The rendered character: a head with known coefficients and pose, from scene to avatar file."""
