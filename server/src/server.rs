//! The server: its threads, its address, its end.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use essence::{Avatar, Error, ErrorKind, Result};
use essence_brain::Responder;
use essence_live::rtc::{Hub, HubOptions};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::time;

use crate::access::Code;
use crate::face::Face;
use crate::launch_state::Launch;
use crate::options::Options;
use crate::platform::Platform;
use crate::poster::poster;
use crate::protocol::ToPage;
use crate::state::App;
use crate::table::Table;
use crate::tls::Tls;
use crate::tools::tools;
use crate::{connections, routes, work};

/// How often conversations are looked through for those that are over.
const EXPIRY: Duration = Duration::from_millis(500);

/// How long the end of a server may take.
const SHUTDOWN: Duration = Duration::from_secs(2);

/// How often it is looked whether all pages are gone.
const POLL: Duration = Duration::from_millis(10);

/// Most addresses that browsers are told; each is tried.
const MAX_CANDIDATES: usize = 16;

/// A server under way. Dropping it ends it within 2 s: pages are told, conversations end.
pub struct Server {
    runtime: Option<Runtime>,
    stop: watch::Sender<bool>,
    app: Arc<App>,
    address: SocketAddr,
}

impl Server {
    /// Opens the ports and serves conversations with `avatar`, whose side `responder` takes.
    ///
    /// # Errors
    /// - `InvalidArgument`: the options make no sense, or the address is public and that isn't allowed.
    /// - `Io`: the ports can't be had.
    /// - Those of a session of the avatar.
    pub fn start(options: Options, avatar: Avatar, responder: Arc<dyn Responder>) -> Result<Self> {
        options.check()?;
        let tls = options.tls.as_ref().map(Tls::open).transpose()?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("server")
            .enable_all()
            .build()
            .map_err(|e| Error::new(ErrorKind::Io, "the server has no threads").with_source(e))?;
        let address = options.address;
        let listener = runtime.block_on(TcpListener::bind(address)).map_err(|e| {
            let message = format!("cannot listen at {address}; choose another --port");
            Error::new(ErrorKind::Io, message).with_source(e)
        })?;
        let address = listener
            .local_addr()
            .map_err(|e| Error::new(ErrorKind::Io, "the listener has no address").with_source(e))?;
        let seats = match options.max_sessions {
            Some(seats) => seats,
            None => (avatar.capacity()? / 2).max(1),
        };
        let hub = match options.webrtc {
            true => Some(hub(address, &options.public_addresses)?),
            false => None,
        };
        let launch = Arc::new(Launch::new(&options, &avatar));
        let table = Arc::new(Table::new(seats));
        let platform = match options.platform.clone() {
            Some(wanted) => {
                let opened = Platform::open(wanted, table.clone(), launch.clone(), tls.is_some());
                Some(runtime.block_on(opened)?)
            }
            None => None,
        };
        let code = Code::new(&avatar.info().name)?;
        let own = Face {
            code: code.as_str().to_owned(),
            account: None,
            name: avatar.info().name.clone(),
            poster: poster(&avatar)?,
            prompt: String::new(),
            gestures: options.gestures.clone(),
            tools: tools(&avatar, &options.tools)?,
            version: String::new(),
            avatar,
        };
        let app = Arc::new(App {
            code,
            own: Arc::new(own),
            platform,
            responder,
            hub,
            launch,
            table,
            metrics: Arc::default(),
            options,
        });
        let (stop, stopped) = watch::channel(false);
        if let Some(platform) = &app.platform {
            let _in_runtime = runtime.enter();
            let host = match address.ip().is_unspecified() {
                true => format!("127.0.0.1:{}", address.port()),
                false => address.to_string(),
            };
            work::start(platform, &format!("{}://{host}", platform.scheme), &stopped)?;
        }
        let router = routes::router(app.clone());
        runtime.spawn(connections::accept(
            app.clone(),
            listener,
            router,
            tls,
            stopped,
        ));
        runtime.spawn(expire(app.clone()));
        Ok(Self {
            runtime: Some(runtime),
            stop,
            app,
            address,
        })
    }

    /// The address that it listens at.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The code in its pages' addresses.
    pub fn code(&self) -> &str {
        self.app.code.as_str()
    }

    /// The page's address, for a browser on this machine. Certificates are for names, so with TLS it has
    /// the first of the [`hosts`](Options::hosts).
    pub fn url(&self) -> String {
        let port = self.address.port();
        let code = self.code();
        let address = match self.address.ip().is_unspecified() {
            true => format!("127.0.0.1:{port}"),
            false => self.address.to_string(),
        };
        match (&self.app.options.tls, self.app.options.hosts.first()) {
            (None, _) => format!("http://{address}/{code}"),
            (Some(_), None) => format!("https://{address}/{code}"),
            (Some(_), Some(host)) => format!("https://{host}:{port}/{code}"),
        }
    }

    /// The server's address without a page, for programs on this machine.
    pub fn root(&self) -> String {
        let url = self.url();
        let page = self.code().len() + 1;
        url[..url.len() - page].to_owned()
    }

    /// Most conversations at a time.
    pub fn max_sessions(&self) -> usize {
        self.app.table.seats()
    }

    /// Conversations now.
    pub fn sessions(&self) -> usize {
        self.app.table.len()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for conversation in self.app.table.clear() {
            let message = "the server stops".to_owned();
            conversation.tell(ToPage::Ended { message });
        }
        self.app.launch.tasks.stop();
        // Nobody listening is no error.
        let _ = self.stop.send(true);
        if let Some(runtime) = self.runtime.take() {
            // The messages for the pages are on their way.
            let told = async {
                while self.app.metrics.pages.value() > 0 {
                    time::sleep(POLL).await;
                }
            };
            let _ = runtime.block_on(async { time::timeout(SHUTDOWN, told).await });
            if let Some(platform) = &self.app.platform {
                runtime.block_on(platform.close(SHUTDOWN));
            }
            runtime.shutdown_timeout(SHUTDOWN);
        }
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// WebRTC beside the TCP port. Browsers are told the addresses that they reach it by.
fn hub(address: SocketAddr, public: &[IpAddr]) -> Result<Hub> {
    let told = match public {
        [] if address.ip().is_unspecified() => interfaces(),
        given => given.to_vec(),
    };
    let bind = |port| {
        let mut options = HubOptions::new(SocketAddr::new(address.ip(), port));
        // Port 0 is the hub's own.
        options.public_addresses = told.iter().map(|&ip| SocketAddr::new(ip, 0)).collect();
        Hub::bind(options)
    };
    // Another program may have the UDP port of the same number.
    bind(address.port()).or_else(|_| bind(0))
}

/// The addresses of the network interfaces, loopback last. Link-local ones mean nothing elsewhere.
fn interfaces() -> Vec<IpAddr> {
    let usable = |ip: &IpAddr| match ip {
        IpAddr::V4(ip) => !ip.is_link_local(),
        IpAddr::V6(ip) => !ip.is_unicast_link_local(),
    };
    let found = if_addrs::get_if_addrs().unwrap_or_default();
    let mut addresses: Vec<_> = found
        .iter()
        .map(if_addrs::Interface::ip)
        .filter(usable)
        .collect();
    addresses.sort_by_key(IpAddr::is_loopback);
    addresses.truncate(MAX_CANDIDATES);
    if addresses.is_empty() {
        addresses.push(Ipv4Addr::LOCALHOST.into());
    }
    addresses
}

/// Ends conversations that are over.
async fn expire(app: Arc<App>) {
    let mut interval = time::interval(EXPIRY);
    loop {
        interval.tick().await;
        for (conversation, reason) in app.table.expire(&app.options) {
            conversation.tell(ToPage::Ended {
                message: reason.to_owned(),
            });
            // Its threads are waited for.
            tokio::task::spawn_blocking(move || drop(conversation));
        }
    }
}
