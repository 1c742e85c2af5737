//! The exports, called as a page calls them and as none should.

use crate::{FAILED, avatar, drive, error, loader, memory, session, world};

/// A buffer with these bytes.
fn put(bytes: &[u8]) -> usize {
    let address = memory::web_alloc(bytes.len());
    assert_ne!(address, 0, "there is memory");
    assert_eq!(address % 8, 0, "doubles can be written");
    #[expect(unsafe_code, reason = "a page writes into the module's memory")]
    // SAFETY: a new buffer of that many bytes, which nobody else knows.
    unsafe {
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), address as *mut u8, bytes.len());
    }
    address
}

fn toy() -> i32 {
    let file = include_bytes!("../../../../testdata/avatars/toy.imx");
    avatar::web_open(put(file), file.len())
}

fn message() -> String {
    let (address, length) = (error::web_error(), error::web_error_length());
    #[expect(unsafe_code, reason = "a page reads the module's memory")]
    // SAFETY: the last error's message, which stays until the next error.
    let bytes = unsafe { std::slice::from_raw_parts(address, length) };
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn an_avatar_speaks() {
    let avatar = toy();
    assert!(avatar > 0, "{}", message());
    let session = session::web_session(avatar, 0, 0, 0, 0, -1);
    let samples: Vec<u8> = (0..16_000)
        .flat_map(|i| (0.3 * (i as f32 / 9.0).sin()).to_le_bytes())
        .collect();
    let buffer = put(&samples);
    assert_eq!(session::web_push(session, buffer, 16_000, 16_000, 1), 0);
    memory::web_free(buffer);
    assert_eq!(session::web_flush(session), 0);
    let mut frames = 0;
    while session::web_next(session) == 1 {
        frames += 1;
        assert_ne!(session::web_frame(session), 0);
    }
    assert_eq!(frames, 25, "a second");
    world::web_close(avatar);
    assert_eq!(session::web_next(session), 2, "sessions keep their avatar");
}

#[test]
fn numbers_that_are_none_of_ours_are_refused() {
    let avatar = toy();
    let session = session::web_session(avatar, 0, 0, 0, 0, -1);
    let buffer = put(&[0; 64]);
    let odd = [0, 1, 7, buffer + 1, buffer + 8, usize::MAX, usize::MAX / 2];
    for address in odd {
        assert_eq!(avatar::web_open(address, 64), FAILED);
        assert_eq!(session::web_push(session, address, 16, 16_000, 1), FAILED);
        assert_eq!(session::web_perform(session, address, 4), FAILED);
        assert_eq!(session::web_statistics(session, address), FAILED);
        let curves = drive::web_push_curves(session, address, 4, buffer, 1, buffer, 0);
        assert_eq!(curves, FAILED);
        memory::web_free(address);
    }
    for length in [65, 1 << 40, usize::MAX] {
        assert_eq!(
            session::web_push(session, buffer, length, 16_000, 1),
            FAILED
        );
        assert_eq!(session::web_perform(session, buffer, length), FAILED);
        let visemes = drive::web_push_visemes(session, buffer, 64, buffer, 0);
        assert_eq!(visemes, FAILED);
        assert_eq!(avatar::web_open(buffer, length), FAILED);
    }
    for handle in [0, -1, i32::MIN, i32::MAX, avatar, buffer as i32] {
        assert_eq!(session::web_next(handle), FAILED);
        assert_eq!(session::web_frame(handle), 0);
        assert!(message().contains("no session"), "{}", message());
    }
    for size in [-1.0, 0.5, f64::NAN, f64::INFINITY, 1e300, 1e15] {
        assert_eq!(loader::web_loader(size), FAILED, "{size}");
        assert_eq!(session::web_position(session, size.min(-1.0)), FAILED);
    }
    assert_eq!(memory::web_alloc(usize::MAX), 0);
    assert_eq!(avatar::web_open(buffer, 64), FAILED, "zeros are no avatar");
    assert!(message().contains("not"), "{}", message());
    assert_eq!(error::web_panic_length(), 0);
}
