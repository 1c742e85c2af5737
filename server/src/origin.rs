//! The address that a server is called by, in which its answers name files.

/// The server's address as the caller knows it, without a slash at its end.
#[derive(Clone, Debug)]
pub(crate) struct Origin(String);

impl Origin {
    /// An address of a file.
    pub(crate) fn file(&self, name: &str) -> String {
        format!("{}/files/{name}", self.0)
    }

    /// An address of a page.
    pub(crate) fn page(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl From<String> for Origin {
    fn from(address: String) -> Self {
        Self(address)
    }
}
