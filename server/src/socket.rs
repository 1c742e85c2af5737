//! A page's WebSocket: control as text, pictures and sound and the microphone as binary messages.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket};
use essence_brain::Input;
use essence_live::SpeechDown;
use essence_live::ws::{self, Connection, SoundFormat, Up};
use tokio::sync::mpsc;
use tokio::time::{self, MissedTickBehavior};

use crate::conversation::Conversation;
use crate::protocol::{FromPage, MAX_CONTROL_BYTES, SoundName, ToPage};
use crate::state::{App, Wanted};

/// How often a page is asked whether it is there, while it may be silent.
const PINGS: u32 = 4;

/// How long a message may take to be sent.
const SEND_LIMIT: Duration = Duration::from_secs(10);

/// Seconds of microphone that a page may send at once, and control messages; both come back by the clock.
const MICROPHONE_BURST_S: f64 = 4.0;
const CONTROL_BURST: f64 = 60.0;
const CONTROL_PER_S: f64 = 20.0;

/// Serves a page until it goes or the conversation is over.
pub(crate) async fn serve(app: Arc<App>, mut socket: WebSocket, code: String, wanted: Wanted) {
    let face = match app.face(&code).await {
        Ok(Some(face)) => face,
        // It was deleted in this moment.
        Ok(None) => {
            let message = "this avatar is not there any more".to_owned();
            return close(socket, &ToPage::Refused { message }).await;
        }
        Err(error) => {
            let message = error.message().to_owned();
            return close(socket, &ToPage::Refused { message }).await;
        }
    };
    // Beginning a session loads pictures and starts threads.
    let joining = app.clone();
    let joined = tokio::task::spawn_blocking(move || joining.join(&face, &wanted)).await;
    let (conversation, resumed) = match joined {
        Ok(Ok(joined)) => joined,
        Ok(Err(error)) => {
            let message = error.to_string();
            return close(socket, &ToPage::Refused { message }).await;
        }
        Err(_) => return,
    };
    let (number, messages) = conversation.enter(app.hub.is_some(), resumed);
    let mut page = Page {
        conversation: &conversation,
        number,
        messages,
        down: None,
        up: None,
        microphone: Bucket::new(MICROPHONE_BURST_S, 1.0),
        control: Bucket::new(CONTROL_BURST, CONTROL_PER_S),
    };
    app.metrics.pages.up();
    let leaves = page.run(&mut socket, app.options.silence).await;
    drop(page);
    conversation.leave(number);
    if leaves {
        app.table.remove(&conversation.token);
    }
    // The last handle waits for the conversation's threads.
    let _ = tokio::task::spawn_blocking(move || drop(conversation)).await;
    app.metrics.pages.down();
}

/// A page that is connected.
struct Page<'a> {
    conversation: &'a Arc<Conversation>,
    number: u64,
    messages: mpsc::Receiver<ToPage>,
    down: Option<Down>,
    up: Option<Up>,
    microphone: Bucket,
    control: Bucket,
}

impl Page<'_> {
    /// Sends and receives, until the page goes or is silent for too long. True: it has ended the conversation.
    async fn run(&mut self, socket: &mut WebSocket, silence: Duration) -> bool {
        let mut heard_at = Instant::now();
        let mut ping = time::interval((silence / PINGS).max(Duration::from_millis(1)));
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                message = self.messages.recv() => {
                    // None: this page was let go.
                    let Some(message) = message else { return false };
                    let last = matches!(message, ToPage::Ended { .. } | ToPage::Refused { .. });
                    if !send(socket, Message::Text(message.text().into())).await || last {
                        return false;
                    }
                }
                media = media(&mut self.down) => match media {
                    Some(bytes) => {
                        if !send(socket, Message::Binary(Bytes::from(bytes))).await {
                            return false;
                        }
                    }
                    None => self.down = None,
                },
                received = socket.recv() => {
                    heard_at = Instant::now();
                    match received {
                        Some(Ok(Message::Text(text))) => match self.control(&text) {
                            Go::On => {}
                            Go::Away => return false,
                            Go::Leave => return true,
                        },
                        Some(Ok(Message::Binary(bytes))) => self.binary(&bytes),
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                        Some(Ok(Message::Close(_)) | Err(_)) | None => return false,
                    }
                }
                _ = ping.tick() => {
                    if heard_at.elapsed() > silence || !send(socket, Message::Ping(Bytes::new())).await {
                        return false;
                    }
                }
            }
        }
    }

    fn control(&mut self, text: &str) -> Go {
        if text.len() > MAX_CONTROL_BYTES || !self.control.take(1.0) {
            return Go::Away;
        }
        let Ok(message) = serde_json::from_str(text) else {
            return Go::Away;
        };
        let conversation = self.conversation;
        match message {
            FromPage::Media { .. } if conversation.page_draws => {
                self.down = conversation.attach_speech(self.number).map(Down::Speech);
                self.up = Some(Up::of_drawing_page());
                conversation.input(Input::Begin);
            }
            FromPage::Media { sound } => {
                let Connection { sink, down, up, .. } = ws::connect(match sound {
                    SoundName::Opus => SoundFormat::Opus,
                    SoundName::Pcm => SoundFormat::Pcm16,
                });
                self.down = Some(Down::Frames(down));
                self.up = Some(up);
                conversation.attach(self.number, sink, None);
                conversation.input(Input::Begin);
            }
            FromPage::MediaElsewhere => self.down = None,
            FromPage::Text { text } => conversation.input(Input::Text(text)),
            FromPage::Interrupt => conversation.input(Input::Interrupt),
            FromPage::EndOfTurn => conversation.input(Input::EndOfTurn),
            FromPage::Gesture { name } => conversation.perform(&name),
            FromPage::Ping { id } => conversation.tell(ToPage::Pong { id }),
            FromPage::Leave => return Go::Leave,
        }
        Go::On
    }

    /// The microphone, a wish about pictures, or what was heard. A damaged message costs itself alone.
    fn binary(&mut self, bytes: &[u8]) {
        if self.conversation.heard(bytes) {
            return;
        }
        let Some(up) = &mut self.up else {
            return;
        };
        let mut heard = Vec::new();
        if up.receive(bytes, &mut heard).is_ok() && !heard.is_empty() {
            let seconds = heard.len() as f64 / f64::from(essence_live::MICROPHONE_RATE_HZ);
            if self.microphone.take(seconds) {
                self.conversation.input(Input::Microphone(heard));
            }
        }
    }
}

/// Media on the way to the page.
enum Down {
    Frames(ws::Down),
    /// For a page that draws.
    Speech(SpeechDown),
}

enum Go {
    /// The connection goes on.
    On,
    /// It is closed; the conversation waits.
    Away,
    /// The conversation is over.
    Leave,
}

/// The next message of pictures or sound; waits for ever while there is no connection.
async fn media(down: &mut Option<Down>) -> Option<Vec<u8>> {
    match down {
        Some(Down::Frames(down)) => down.next().await,
        Some(Down::Speech(down)) => down.next().await,
        None => std::future::pending().await,
    }
}

/// Whether a message was sent in time.
async fn send(socket: &mut WebSocket, message: Message) -> bool {
    matches!(
        time::timeout(SEND_LIMIT, socket.send(message)).await,
        Ok(Ok(()))
    )
}

async fn close(mut socket: WebSocket, last: &ToPage) {
    if send(&mut socket, Message::Text(last.text().into())).await {
        let _ = send(&mut socket, Message::Close(None)).await;
    }
}

/// A token bucket: how much a page may send.
struct Bucket {
    level: f64,
    most: f64,
    per_s: f64,
    at: Instant,
}

impl Bucket {
    fn new(most: f64, per_s: f64) -> Self {
        Self {
            level: most,
            most,
            per_s,
            at: Instant::now(),
        }
    }

    /// Takes `amount`, if there is as much.
    fn take(&mut self, amount: f64) -> bool {
        let now = Instant::now();
        let gained = now.duration_since(self.at).as_secs_f64() * self.per_s;
        self.at = now;
        self.level = (self.level + gained).min(self.most);
        let enough = self.level >= amount;
        if enough {
            self.level -= amount;
        }
        enough
    }
}
