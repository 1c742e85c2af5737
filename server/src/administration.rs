//! A data folder without its server: keys and backups.

use std::fs;
use std::path::{Path, PathBuf};

use essence::{Error, ErrorKind, Result};
use tokio::runtime::{Builder, Runtime};

use crate::store::{Store, new_secret};

/// The data folder of a platform, for whoever manages it. A server may run on it at the same time.
#[derive(Debug)]
pub struct Administration {
    runtime: Runtime,
    store: Store,
    data: PathBuf,
    shared: bool,
}

/// A key as it is listed: the secret is known to its holder alone.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct KeyInfo {
    /// Its name.
    pub name: String,
    /// The account whose agents it reaches.
    pub account: String,
    /// When it was made, in ISO 8601.
    pub created_at: String,
    /// When it was revoked.
    pub revoked_at: Option<String>,
}

impl Administration {
    /// Opens a data folder, which is made where it isn't, and its database: `SQLite` inside, or the Postgres at
    /// `database`.
    ///
    /// # Errors
    /// `InvalidArgument`, `Io`.
    pub fn open(data: &Path, database: Option<&str>) -> Result<Self> {
        let failed = |what: &str| {
            let message = format!("{} {what}", data.display());
            move |e: std::io::Error| Error::new(ErrorKind::Io, message).with_source(e)
        };
        fs::create_dir_all(data).map_err(failed("can't be made"))?;
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed("can't be worked on"))?;
        let store = runtime.block_on(Store::open(data, database))?;
        Ok(Self {
            runtime,
            store,
            data: data.to_owned(),
            shared: database.is_some(),
        })
    }

    /// Makes a key for an account; gives its secret, which is kept nowhere.
    ///
    /// # Errors
    /// `Io`.
    pub fn create_key(&self, account: &str, name: &str) -> Result<String> {
        let secret = new_secret("bh_")?;
        self.run(self.store.add_key(&secret, account, name))?;
        Ok(secret)
    }

    /// All keys, oldest first.
    ///
    /// # Errors
    /// `Io`.
    pub fn keys(&self) -> Result<Vec<KeyInfo>> {
        let keys = self.run(self.store.keys())?;
        let info = keys.into_iter().map(|key| KeyInfo {
            name: key.name,
            account: key.account,
            created_at: key.created_at,
            revoked_at: key.revoked_at,
        });
        Ok(info.collect())
    }

    /// Revokes the keys of a name; false if none is valid.
    ///
    /// # Errors
    /// `Io`.
    pub fn revoke_key(&self, name: &str) -> Result<bool> {
        self.run(self.store.revoke_key(name))
    }

    /// Copies the database, as it is at one moment, and then the files into a new folder. A file is never
    /// changed, so that each one that the copied rows name is there whole. Of a Postgres, which has tools of
    /// its own, the files alone.
    ///
    /// # Errors
    /// `InvalidArgument`: the folder is there already. `Io`.
    pub fn backup(&self, output: &Path) -> Result<()> {
        if output.exists() {
            let message = format!("{} is there already; name another folder", output.display());
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let failed = |path: &Path| {
            let message = format!("{} can't be copied", path.display());
            move |e: std::io::Error| Error::new(ErrorKind::Io, message).with_source(e)
        };
        fs::create_dir_all(output).map_err(failed(output))?;
        if !self.shared {
            self.run(self.store.copy_to(output))?;
        }
        copy(&self.data.join("files"), &output.join("files")).map_err(failed(&self.data))
    }

    fn run<T>(&self, work: impl Future<Output = std::result::Result<T, sqlx::Error>>) -> Result<T> {
        self.runtime.block_on(work).map_err(|e| {
            let message = format!("the database of {} fails", self.data.display());
            Error::new(ErrorKind::Io, message).with_source(e)
        })
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    let entries = match fs::read_dir(from) {
        Ok(entries) => entries,
        // Nothing was ever stored, or it was deleted meanwhile.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &target)?,
            false => drop(fs::copy(entry.path(), target)?),
        }
    }
    Ok(())
}
