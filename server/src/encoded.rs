//! Base64 as clients write it.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Takes base64 with padding or without.
const CONFIG: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG);

/// Bytes in base64, in either alphabet, with line breaks or without.
pub(crate) fn base64_decoded(text: &str) -> Option<Vec<u8>> {
    let plain: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    match plain.contains(['-', '_']) {
        true => URL_SAFE.decode(plain).ok(),
        false => STANDARD.decode(plain).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_taken_as_people_send_it() {
        for text in ["aGk/", "aGk_", "aGk/\n", "a Gk/"] {
            assert_eq!(base64_decoded(text).as_deref(), Some(&b"hi?"[..]), "{text}");
        }
        assert_eq!(base64_decoded("aGk"), Some(b"hi".to_vec()));
        assert_eq!(base64_decoded("aGk="), Some(b"hi".to_vec()));
        assert_eq!(base64_decoded("%%%"), None);
        assert_eq!(base64_decoded("a"), None);
    }
}
