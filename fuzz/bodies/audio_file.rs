//! A file of audio is read to its end or refused with a message, whatever is in it.

use std::io::Cursor;

use media::AudioReader;

/// Longer sound is silence that an edit list asks for.
const BLOCKS: usize = 1000;

pub(crate) fn run(data: &[u8]) {
    let stream = Cursor::new(data.to_vec());
    let mut reader = match AudioReader::from_stream(stream, "the input") {
        Ok(reader) => reader,
        Err(error) => {
            assert!(error.message().contains("the input"), "{error}");
            return;
        }
    };
    assert!(reader.sample_rate() > 0, "a rate");
    for _ in 0..BLOCKS {
        match reader.next_block() {
            Ok(Some(block)) => {
                assert!(!block.is_empty() && block.iter().all(|x| x.is_finite()));
            }
            Ok(None) => break,
            Err(error) => {
                assert!(error.message().contains("the input"), "{error}");
                break;
            }
        }
    }
    reader.warnings();
}
