//! Secrets of the API, kept as digests, and the credits of their accounts.

use aws_lc_rs::digest::{SHA256, digest};
use essence::Result;
use sqlx::{AnyConnection, Row as _};

use super::database::{Store, Stored, now};
use crate::access;

/// A key as it is shown: never the secret.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Key {
    pub(crate) account: String,
    pub(crate) name: String,
    pub(crate) created_at: String,
    pub(crate) revoked_at: Option<String>,
}

/// A secret that nobody guesses: 256 bits.
///
/// # Errors
/// `Io`: the system gives no random numbers.
pub(crate) fn new_secret(prefix: &str) -> Result<String> {
    Ok(format!("{prefix}{}{}", access::token()?, access::token()?))
}

/// A secret's digest, by which it is looked up: what can be timed is the digest's, of which no attacker
/// chooses a byte.
fn digest_of(secret: &str) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(64);
    for byte in digest(&SHA256, secret.as_bytes()).as_ref() {
        // Writing to a string doesn't fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

impl Store {
    /// Makes a key of an account's; the secret isn't kept.
    pub(crate) async fn add_key(&self, secret: &str, account: &str, name: &str) -> Stored<()> {
        sqlx::query(
            "INSERT INTO api_keys (digest, account, name, created_at) VALUES ($1, $2, $3, $4)",
        )
        .bind(digest_of(secret))
        .bind(account)
        .bind(name)
        .bind(now())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Takes a key back by its name; false if there is none that is valid.
    pub(crate) async fn revoke_key(&self, name: &str) -> Stored<bool> {
        let done = sqlx::query(
            "UPDATE api_keys SET revoked_at = $1 WHERE name = $2 AND revoked_at IS NULL",
        )
        .bind(now())
        .bind(name)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// All keys, oldest first.
    pub(crate) async fn keys(&self) -> Stored<Vec<Key>> {
        sqlx::query_as(
            "SELECT account, name, created_at, revoked_at FROM api_keys ORDER BY created_at",
        )
        .fetch_all(&self.pool)
        .await
    }

    /// Whether any key was ever made: from then on a secret has to be one of them.
    pub(crate) async fn has_keys(&self) -> Stored<bool> {
        let row = sqlx::query("SELECT COUNT(*) AS n FROM api_keys")
            .fetch_one(&self.pool)
            .await?;
        Ok(row.try_get::<i64, _>("n")? > 0)
    }

    /// The account of a secret, if it is valid.
    pub(crate) async fn account_of(&self, secret: &str) -> Stored<Option<String>> {
        let row =
            sqlx::query("SELECT account FROM api_keys WHERE digest = $1 AND revoked_at IS NULL")
                .bind(digest_of(secret))
                .fetch_optional(&self.pool)
                .await?;
        row.map(|row| row.try_get("account")).transpose()
    }

    /// The credits of an account; one that is new has `first`.
    pub(crate) async fn credits(&self, account: &str, first: f64) -> Stored<f64> {
        let row = sqlx::query("SELECT credits FROM accounts WHERE account = $1")
            .bind(account)
            .fetch_optional(&self.pool)
            .await?;
        row.map_or(Ok(first), |row| row.try_get("credits"))
    }

    /// A setting that all servers of this database share; the first one to ask sets it.
    pub(crate) async fn setting(&self, name: &str, first: &str) -> Stored<String> {
        sqlx::query("INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(name)
            .bind(first)
            .execute(&self.pool)
            .await?;
        let row = sqlx::query("SELECT value FROM settings WHERE name = $1")
            .bind(name)
            .fetch_one(&self.pool)
            .await?;
        row.try_get("value")
    }
}

/// Credits that something costs where the server is metered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Charge {
    pub(crate) amount: f64,
    /// Credits of an account that is new.
    pub(crate) first: f64,
}

/// Takes credits of an account as part of a change; false if it has fewer.
pub(super) async fn charge(
    change: &mut AnyConnection,
    account: &str,
    charge: Charge,
) -> Stored<bool> {
    sqlx::query("INSERT INTO accounts (account, credits) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(account)
        .bind(charge.first)
        .execute(&mut *change)
        .await?;
    let taken = sqlx::query(
        "UPDATE accounts SET credits = credits - $1 WHERE account = $2 AND credits >= $1",
    )
    .bind(charge.amount)
    .bind(account)
    .execute(change)
    .await?;
    Ok(taken.rows_affected() == 1)
}

/// Gives credits back, as part of a change.
pub(super) async fn refund(change: &mut AnyConnection, account: &str, amount: f64) -> Stored<()> {
    sqlx::query("UPDATE accounts SET credits = credits + $1 WHERE account = $2")
        .bind(amount)
        .bind(account)
        .execute(change)
        .await?;
    Ok(())
}
