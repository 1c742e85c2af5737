//! The writer of conversations' sessions: rows of sessions, messages, events for webhooks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tokio::time;

use crate::api::speak::deliver_here;
use crate::platform::Platform;
use crate::sessions::Happening;
use crate::store::{Words, now};

/// How often it is looked whether other servers have been asked for something in this one's sessions.
const LOOK: Duration = Duration::from_millis(300);

/// How often the database is told that sessions go on.
const SEEN: Duration = Duration::from_secs(30);

/// A change of the database, or the reason why there is none.
type Written = Result<(), sqlx::Error>;

/// Begins to write down the sessions of a platform, until they are closed.
pub(super) fn start(platform: &Arc<Platform>, stop: &watch::Receiver<bool>) {
    if let Some(receiver) = platform.sessions.take() {
        let writing = write(platform.clone(), receiver, stop.clone());
        platform.keep(tokio::spawn(writing));
    }
}

async fn write(
    platform: Arc<Platform>,
    mut receiver: UnboundedReceiver<Happening>,
    mut stop: watch::Receiver<bool>,
) {
    let server = platform.sessions.server.clone();
    let mut look = time::interval(LOOK);
    let (mut live, mut seen) = (0_usize, None::<Instant>);
    let mut stopping = false;
    loop {
        let done = tokio::select! {
            happening = receiver.recv() => match happening {
                None | Some(Happening::Over) => return,
                Some(happening) => {
                    match happening {
                        Happening::Begun(_) => live += 1,
                        Happening::Ended(_) => live = live.saturating_sub(1),
                        _ => {}
                    }
                    note(&platform, happening).await
                }
            },
            _ = look.tick(), if !stopping => {
                let is_due = seen.is_none_or(|at| at.elapsed() >= SEEN);
                let mut done = Ok(());
                if is_due {
                    seen = Some(Instant::now());
                    done = platform.store.see_sessions(&server).await;
                }
                if live > 0 && done.is_ok() {
                    done = serve_asked(&platform).await;
                }
                done
            }
            _ = stop.changed(), if !stopping => {
                stopping = true;
                Ok(())
            }
        };
        if let Err(error) = done {
            platform.log(&format!("sessions can't be written: {error}"));
        }
    }
}

async fn note(platform: &Platform, happening: Happening) -> Written {
    let store = &platform.store;
    match happening {
        Happening::Begun(session) => store.begin_session(&session).await,
        Happening::Joined(session) => {
            let data = serde_json::json!({
                "agent_code": session.agent_code,
                "room_name": session.room_name,
                "participant_count": 1,
                "session_id": session.id,
            });
            store.tell(&session, "room.join", &data.to_string()).await?;
            platform.wake();
            Ok(())
        }
        Happening::Said {
            session,
            role,
            message,
        } => {
            if platform.sessions.keeps_words {
                store.add_message(&session.id, role, &message).await?;
            }
            let data = serde_json::json!({
                "agent_code": session.agent_code,
                "role": role,
                "message": message,
                "session_id": session.id,
                "timestamp": now(),
            });
            store.tell(&session, "chat.push", &data.to_string()).await?;
            platform.wake();
            Ok(())
        }
        Happening::Ended(id) => store.end_session(&id).await,
        Happening::Over => Ok(()),
    }
}

/// Does what was asked of other servers for this one's sessions: ends them, and hands them words.
async fn serve_asked(platform: &Arc<Platform>) -> Written {
    let (store, sessions) = (&platform.store, &platform.sessions);
    for id in store.stopping(&sessions.server).await? {
        sessions.end(&id);
    }
    let all = store.take_words(&sessions.server).await?;
    if !all.is_empty() {
        // Speaking takes its time; sessions are written down meanwhile.
        tokio::spawn(hand_over(platform.clone(), all));
    }
    Ok(())
}

/// Hands words to conversations, one after the other.
async fn hand_over(platform: Arc<Platform>, all: Vec<Words>) {
    for words in all {
        let agent = platform.store.agent_of_any(&words.agent_code).await;
        let Ok(Some(agent)) = agent else { continue };
        let room = Some(words.room_name.as_str()).filter(|room| !room.is_empty());
        let handed = deliver_here(&platform, &agent, &words.kind, &words.text, room).await;
        if let Err(error) = handed {
            platform.log(&format!("words for {}: {}", agent.code, error.message()));
        }
    }
}
