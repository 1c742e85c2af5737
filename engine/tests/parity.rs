//! The engine against the studio: the same mel, the same networks, from vectors that the studio wrote.
