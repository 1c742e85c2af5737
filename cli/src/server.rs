//! `bithuman server`: keys and backups of a data folder.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use essence_server::Administration;
use serde_json::json;

use crate::console::Console;
use crate::failure::Failure;

/// Manage the keys and the backups of `bithuman serve`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make, list and revoke API secrets
    #[command(subcommand)]
    Key(KeyCommand),
    /// Copy the database and the files of a data folder, also while a server runs on it
    Backup {
        /// The folder to write, which must not be there
        output: PathBuf,
        #[command(flatten)]
        data: DataArgs,
    },
}

#[derive(Debug, clap::Subcommand)]
enum KeyCommand {
    /// Make a secret, which is shown once
    Create {
        /// Its name
        #[arg(long, default_value = "default")]
        name: String,
        /// The account whose agents it reaches
        #[arg(long, default_value = "local")]
        account: String,
        #[command(flatten)]
        data: DataArgs,
    },
    /// List the keys, without their secrets
    List {
        #[command(flatten)]
        data: DataArgs,
    },
    /// Revoke the keys of a name
    Revoke {
        /// Its name
        name: String,
        #[command(flatten)]
        data: DataArgs,
    },
}

#[derive(Debug, clap::Args)]
struct DataArgs {
    /// The data folder [default: `BITHUMAN_DATA`, or ~/.local/share/bithuman/server]
    #[arg(long = "data", value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

impl DataArgs {
    fn open(&self) -> Result<Administration, Failure> {
        let folder = data_folder(self.folder.as_deref())?;
        Ok(Administration::open(&folder, database().as_deref())?)
    }
}

/// The folder of a server's data.
pub(crate) fn data_folder(named: Option<&Path>) -> Result<PathBuf, Failure> {
    let variable = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let home = || {
        let home = variable("HOME").or_else(|| variable("USERPROFILE"))?;
        Some(home.join(".local").join("share"))
    };
    named
        .map(Path::to_owned)
        .or_else(|| variable("BITHUMAN_DATA"))
        .or_else(|| {
            let share = variable("XDG_DATA_HOME").or_else(home)?;
            Some(share.join("bithuman").join("server"))
        })
        .ok_or_else(|| Failure::argument("there is no home folder; name one by --data FOLDER"))
}

/// The address of the database that servers share, if there is one.
pub(crate) fn database() -> Option<String> {
    variable("DATABASE_URL")
}

/// The address of the bucket of files that servers share, if there is one.
pub(crate) fn bucket() -> Option<String> {
    variable("BITHUMAN_FILES")
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

pub(crate) fn run(console: &Console, args: &Args) -> Result<ExitCode, Failure> {
    match &args.command {
        Command::Key(KeyCommand::Create {
            name,
            account,
            data,
        }) => {
            let secret = data.open()?.create_key(account, name)?;
            if console.json() {
                console.object(json!({"name": name, "account": account, "secret": secret}))?;
            } else {
                console.text(&format!("{secret}\n"))?;
                console.note("Send it in the header api-secret. It is not shown again.\n");
            }
        }
        Command::Key(KeyCommand::List { data }) => {
            let keys = data.open()?.keys()?;
            if console.json() {
                let list: Vec<_> = keys
                    .iter()
                    .map(|key| {
                        json!({
                            "name": key.name,
                            "account": key.account,
                            "created_at": key.created_at,
                            "revoked_at": key.revoked_at,
                        })
                    })
                    .collect();
                console.object(json!({"keys": list}))?;
            } else {
                for key in keys {
                    let state = if key.revoked_at.is_some() {
                        "revoked"
                    } else {
                        "valid"
                    };
                    let line = format!(
                        "{}  {}  {}  {state}\n",
                        key.name, key.account, key.created_at
                    );
                    console.text(&line)?;
                }
            }
        }
        Command::Key(KeyCommand::Revoke { name, data }) => {
            if !data.open()?.revoke_key(name)? {
                return Err(Failure::argument(format!(
                    "there is no valid key called {name}"
                )));
            }
            console.note(&format!("{name} is revoked.\n"));
        }
        Command::Backup { output, data } => {
            data.open()?.backup(output)?;
            let has = match (database(), bucket()) {
                (None, None) => "the database and the files",
                (None, Some(_)) => {
                    "the database, and of the files those that are cached; copy the bucket, too"
                }
                (Some(_), None) => "the files; copy the database with pg_dump, too",
                (Some(_), Some(_)) => {
                    "of the files those that are cached; copy the bucket, and the database with pg_dump"
                }
            };
            console.note(&format!("{} has {has}.\n", output.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}
