"""The data that the engine's `portrait` module carries: face networks, a head's shapes, teeth."""
