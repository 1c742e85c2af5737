//! Files around the engine: audio decoding in, MP4 video out.
