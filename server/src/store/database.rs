//! The database itself: opened, brought up to date, closed; and how times and names are written in it.

use std::path::Path;
use std::time::Duration;

use essence::{Error, ErrorKind, Result};
use sqlx::any::AnyPoolOptions;
use sqlx::{AnyConnection, AnyPool, Executor as _};

/// The database's file in the data folder.
const FILE: &str = "bithuman.db";

/// Connections to Postgres. `SQLite` writes one at a time anyway.
const CONNECTIONS: u32 = 8;

/// How long a statement waits for another's lock, and for a connection.
const WAIT: Duration = Duration::from_secs(10);

/// The database.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    pub(super) pool: AnyPool,
}

/// A value of the database, or the reason why there is none.
pub(crate) type Stored<T> = std::result::Result<T, sqlx::Error>;

impl Store {
    /// Opens the database of a data folder, or the one at `url` (`postgres://…`), and brings its tables
    /// up to date.
    ///
    /// # Errors
    /// `InvalidArgument`: the address is none of Postgres. `Io`: it can't be reached or is damaged.
    pub(crate) async fn open(data: &Path, url: Option<&str>) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let sqlite = url.is_none();
        let address = match url {
            Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                url.to_owned()
            }
            Some(_) => {
                let message = "DATABASE_URL is no address of Postgres; give postgres://USER:PASSWORD@HOST/NAME, or \
                               unset it for SQLite in the data folder";
                return Err(Error::new(ErrorKind::InvalidArgument, message));
            }
            None => sqlite_address(&data.join(FILE))?,
        };
        let failed = |e: sqlx::Error| {
            let place = match sqlite {
                true => data.join(FILE).display().to_string(),
                false => "the database of DATABASE_URL".to_owned(),
            };
            Error::new(ErrorKind::Io, format!("{place} can't be opened")).with_source(e)
        };
        let pool = AnyPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(WAIT)
            .after_connect(move |connection: &mut AnyConnection, _| {
                Box::pin(async move {
                    if sqlite {
                        // Readers and the writer don't wait for each other; a power cut loses no more
                        // than the last moments.
                        let pragmas = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; \
                                       PRAGMA busy_timeout = 10000; PRAGMA foreign_keys = ON";
                        connection.execute(pragmas).await?;
                    }
                    Ok(())
                })
            })
            .connect(&address)
            .await
            .map_err(failed)?;
        let store = Self { pool };
        store.migrate().await.map_err(failed)?;
        Ok(store)
    }

    /// Copies a database of `SQLite` into a folder, as it is at this moment.
    pub(crate) async fn copy_to(&self, folder: &Path) -> Stored<()> {
        let path = folder.join(FILE).display().to_string();
        sqlx::query("VACUUM INTO $1")
            .bind(path)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Closes all connections.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

/// `sqlite://` and a path, in which what an address reads as something else is escaped.
fn sqlite_address(path: &Path) -> Result<String> {
    let text = path.to_str().ok_or_else(|| {
        let message = format!("{} is not UTF-8, which SQLite asks for", path.display());
        Error::new(ErrorKind::InvalidArgument, message)
    })?;
    let mut address = "sqlite://".to_owned();
    for c in text.chars() {
        match c {
            '%' => address.push_str("%25"),
            '?' => address.push_str("%3F"),
            '#' => address.push_str("%23"),
            c => address.push(c),
        }
    }
    address.push_str("?mode=rwc");
    Ok(address)
}

/// Now, in the form that rows have: UTC with microseconds, so that text sorts as time does.
pub(crate) fn now() -> String {
    stamp(time::OffsetDateTime::now_utc())
}

/// A time in the form that rows have.
pub(crate) fn stamp(at: time::OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}+00:00",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        at.microsecond()
    )
}

/// Now, in milliseconds since 1970, as leases are counted.
pub(crate) fn now_ms() -> i64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed();
    since.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
}

/// A new identifier: a random UUID.
pub(crate) fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}
