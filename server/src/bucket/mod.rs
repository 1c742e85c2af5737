//! Files in a bucket of an S3-compatible store, which several servers share; the folder is a cache of it then.

mod client;

use std::fmt;
use std::time::Duration;

use essence::{Error, ErrorKind, Result};
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStoreExt as _, RetryConfig};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::access;

/// How long a request, and all attempts at it, may take.
const REQUEST: Duration = Duration::from_secs(60);
const ATTEMPTS: Duration = Duration::from_secs(120);
const RETRIES: usize = 4;

/// A bucket, or the part of it under a prefix.
#[derive(Clone)]
pub(crate) struct Bucket {
    store: std::sync::Arc<AmazonS3>,
    address: String,
    prefix: Path,
    runtime: Handle,
}

impl fmt::Debug for Bucket {
    /// Leaves the credentials out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Bucket {
    /// The bucket of an address such as `s3://avatars/site-1`. Region, endpoint and credentials are those of the
    /// environment (`AWS_REGION`, `AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID`, …), of the pod or of the machine. Called
    /// inside a runtime.
    ///
    /// # Errors
    /// `InvalidArgument`: that is no such address, or something that the environment says makes no sense.
    pub(crate) fn open(address: &str) -> Result<Self> {
        let rest = address.strip_prefix("s3://").unwrap_or_default();
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let invalid = |message: String| Error::new(ErrorKind::InvalidArgument, message);
        if name.is_empty() {
            let message = format!("{address} is no bucket; give one like s3://avatars/site-1");
            return Err(invalid(message));
        }
        let refused = |e: &dyn fmt::Display| invalid(format!("{address} can't be used: {e}"));
        let retries = RetryConfig {
            max_retries: RETRIES,
            retry_timeout: ATTEMPTS,
            ..RetryConfig::default()
        };
        let builder = AmazonS3Builder::from_env().with_bucket_name(name);
        // An endpoint that is spelled so is meant so: a store on this machine or in this network.
        let endpoint = builder.get_config_value(&AmazonS3ConfigKey::Endpoint);
        let plain = endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"));
        let options = ClientOptions::new().with_allow_http(plain);
        let store = builder
            .with_http_connector(client::Connector)
            .with_client_options(options)
            .with_retry(retries)
            .build()
            .map_err(|e| refused(&e))?;
        Ok(Self {
            store: std::sync::Arc::new(store),
            address: address.to_owned(),
            prefix: Path::parse(prefix.trim_matches('/')).map_err(|e| refused(&e))?,
            runtime: Handle::current(),
        })
    }

    /// Writes something, reads it and removes it again, which needs the way to the bucket and all rights.
    ///
    /// # Errors
    /// `Io`: it can't be used.
    pub(crate) async fn check(&self) -> Result<()> {
        let at = self.at(&format!("checks/{}", access::token()?));
        let tried = async {
            self.store.put(&at, "it works".into()).await?;
            self.store.get(&at).await?.bytes().await?;
            self.store.delete(&at).await
        };
        tried.await.map_err(|error| self.failed("used", error))
    }

    /// Whether a file is there. Blocks.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn has(&self, name: &str) -> Result<bool> {
        let at = self.at(name);
        match self.runtime.block_on(self.store.head(&at)) {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.failed("read", error)),
        }
    }

    /// Writes a file. Blocks.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn put(&self, name: &str, content: Vec<u8>) -> Result<()> {
        let at = self.at(name);
        match self.runtime.block_on(self.store.put(&at, content.into())) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed("written", error)),
        }
    }

    /// Reads a file, if it is there. Blocks.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn get(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let at = self.at(name);
        let read = async { self.store.get(&at).await?.bytes().await };
        match self.runtime.block_on(read) {
            Ok(content) => Ok(Some(content.into())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed("read", error)),
        }
    }

    /// Removes a file soon; the task ends when it is gone. One that can't be removed is of no use to anybody,
    /// but does no harm.
    pub(crate) fn remove(&self, name: &str) -> JoinHandle<()> {
        let (store, at) = (self.store.clone(), self.at(name));
        self.runtime.spawn(async move {
            let _ = store.delete(&at).await;
        })
    }

    fn at(&self, name: &str) -> Path {
        name.split('/')
            .fold(self.prefix.clone(), |path, part| path.join(part))
    }

    #[cold]
    fn failed(&self, what: &str, error: object_store::Error) -> Error {
        let message = format!("{} can't be {what}", self.address);
        Error::new(ErrorKind::Io, message).with_source(error)
    }
}
