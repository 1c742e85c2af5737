"""The speech network that all avatars share: log-mel window to mouth coefficients."""
