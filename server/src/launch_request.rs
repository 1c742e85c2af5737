//! The body of `POST /launch`, in its three shapes: JSON, multipart and urlencoded.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest as _, Multipart, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use crate::encoded::base64_decoded;
use crate::launch_error::LaunchError;

/// Most bytes of a picture.
pub(crate) const MAX_PICTURE_BYTES: usize = 10 << 20;

/// Most bytes of a body: a picture in base64, and the rest.
pub(crate) const MAX_BODY_BYTES: usize = MAX_PICTURE_BYTES / 3 * 4 + (64 << 10);

/// Most bytes of a field of text.
const MAX_TEXT_BYTES: usize = 16 << 10;

/// Fields of a form; there are about ten.
const MAX_FIELDS: usize = 64;

/// A launch that is asked for.
#[derive(Default)]
pub(crate) struct LaunchRequest {
    pub(crate) livekit_url: String,
    pub(crate) livekit_token: String,
    pub(crate) room_name: String,
    /// None: the server's own.
    pub(crate) avatar_id: Option<String>,
    pub(crate) picture: Option<Vec<u8>>,
    /// Whether the answer comes before the avatar is in the room.
    pub(crate) asynchronous: bool,
}

impl LaunchRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// 400, 413 and 415, in words.
    pub(crate) async fn read(headers: &HeaderMap, body: Bytes) -> Result<Self, LaunchError> {
        let kind = headers.get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let mut read = Self {
            asynchronous: true,
            ..Self::default()
        };
        match kind.split(';').next().unwrap_or_default().trim() {
            "application/json" => read.json(&body)?,
            "application/x-www-form-urlencoded" => read.urlencoded(&body)?,
            "multipart/form-data" => read.multipart(kind, body).await?,
            _ => {
                return Err(LaunchError::new(
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    "send application/json, multipart/form-data or application/x-www-form-urlencoded",
                ));
            }
        }
        for (name, value) in [
            ("livekit_url", &read.livekit_url),
            ("livekit_token", &read.livekit_token),
            ("room_name", &read.room_name),
        ] {
            if value.is_empty() {
                return Err(LaunchError::bad(format!("{name} is missing")));
            }
        }
        Ok(read)
    }

    fn json(&mut self, body: &[u8]) -> Result<(), LaunchError> {
        let value: Value = serde_json::from_slice(body)
            .map_err(|error| LaunchError::bad(format!("the body is no JSON: {error}")))?;
        let Value::Object(fields) = value else {
            return Err(LaunchError::bad("the body is no JSON object"));
        };
        for (name, value) in fields {
            match value {
                Value::String(text) => self.field(&name, text)?,
                Value::Bool(value) => self.field(&name, value.to_string())?,
                _ => {}
            }
        }
        Ok(())
    }

    fn urlencoded(&mut self, body: &[u8]) -> Result<(), LaunchError> {
        for pair in body.split(|&byte| byte == b'&').take(MAX_FIELDS) {
            let mut halves = pair.splitn(2, |&byte| byte == b'=');
            let (name, value) = (halves.next(), halves.next());
            let decode = |half: Option<&[u8]>| percent_decoded(half.unwrap_or_default());
            self.field(&decode(name)?, decode(value)?)?;
        }
        Ok(())
    }

    async fn multipart(&mut self, kind: &str, body: Bytes) -> Result<(), LaunchError> {
        let broken = |error: &dyn std::fmt::Display| {
            LaunchError::bad(format!("the form can't be read: {error}"))
        };
        let request = Request::builder()
            .header(header::CONTENT_TYPE, kind)
            .body(Body::from(body))
            .map_err(|error| broken(&error))?;
        let mut form = Multipart::from_request(request, &())
            .await
            .map_err(|error| broken(&error))?;
        for _ in 0..MAX_FIELDS {
            let field = form.next_field().await.map_err(|error| broken(&error))?;
            let Some(field) = field else { break };
            let name = field.name().unwrap_or_default().to_owned();
            let is_file = field.file_name().is_some();
            let content = field.bytes().await.map_err(|error| broken(&error))?;
            if name == "avatar_image" && is_file {
                self.set_picture(content.to_vec())?;
            } else {
                let text = String::from_utf8(content.to_vec())
                    .map_err(|_| LaunchError::bad(format!("{name} is not text")))?;
                self.field(&name, text)?;
            }
        }
        Ok(())
    }

    /// Takes a field of text. Those that are not known are passed over: clients send fields for other servers,
    /// too.
    fn field(&mut self, name: &str, value: String) -> Result<(), LaunchError> {
        let is_picture = matches!(name, "image" | "avatar_image" | "avatar_image_url");
        if value.len() > MAX_TEXT_BYTES && !is_picture {
            return Err(LaunchError::bad(format!("{name} is too long")));
        }
        match name {
            "livekit_url" => self.livekit_url = value,
            "livekit_token" => self.livekit_token = value,
            "room_name" => self.room_name = value,
            "avatar_id" | "agent_id" => {
                self.avatar_id = Some(value).filter(|id| !id.is_empty() && id != "*");
            }
            "async_mode" => self.asynchronous = !value.eq_ignore_ascii_case("false"),
            "image" | "avatar_image" if !value.is_empty() => self.text_picture(&value)?,
            "avatar_image_url" if !value.is_empty() => return Err(url_refused()),
            "model_url" if !value.is_empty() => return Err(url_refused()),
            _ => {}
        }
        Ok(())
    }

    /// A picture in base64, plain or as a `data:` address.
    fn text_picture(&mut self, text: &str) -> Result<(), LaunchError> {
        if text.starts_with("http://") || text.starts_with("https://") {
            return Err(url_refused());
        }
        let base64 = match text.strip_prefix("data:") {
            Some(data) => data.split_once(";base64,").map_or("", |(_, data)| data),
            None => text,
        };
        let picture = base64_decoded(base64)
            .ok_or_else(|| LaunchError::bad("the picture is neither base64 nor a data: address"))?;
        self.set_picture(picture)
    }

    fn set_picture(&mut self, picture: Vec<u8>) -> Result<(), LaunchError> {
        if picture.len() > MAX_PICTURE_BYTES {
            return Err(LaunchError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!(
                    "a picture of {} bytes; at most {MAX_PICTURE_BYTES} are taken",
                    picture.len()
                ),
            ));
        }
        self.picture = Some(picture).filter(|picture| !picture.is_empty());
        Ok(())
    }
}

fn url_refused() -> LaunchError {
    LaunchError::bad(
        "this server fetches nothing from addresses in requests, which could reach what only it can; send the \
         picture itself",
    )
}

/// The participant of the token. It is read, not checked: the LiveKit server does that.
pub(crate) struct Claims {
    pub(crate) identity: String,
    pub(crate) room: Option<String>,
}

impl Claims {
    /// # Errors
    /// 400: it is no token of the three parts that a JWT has.
    pub(crate) fn read(token: &str) -> Result<Self, LaunchError> {
        let mut parts = token.split('.');
        let payload = match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(_), Some(payload), Some(_), None) => base64_decoded(payload),
            _ => None,
        };
        let claims: Option<Value> =
            payload.and_then(|payload| serde_json::from_slice(&payload).ok());
        let identity = claims.as_ref().and_then(|claims| claims["sub"].as_str());
        let identity = identity.ok_or_else(|| LaunchError::bad("livekit_token is no token"))?;
        let room = claims.as_ref().and_then(|c| c["video"]["room"].as_str());
        Ok(Self {
            identity: identity.to_owned(),
            room: room.filter(|room| !room.is_empty()).map(str::to_owned),
        })
    }
}

fn percent_decoded(text: &[u8]) -> Result<String, LaunchError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, after) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, tail @ ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                let (Some(high), Some(low)) = (digit(high), digit(low)) else {
                    return Err(LaunchError::bad("the form is not percent-encoded"));
                };
                bytes.push((high << 4 | low) as u8);
                rest = tail;
            }
            (b'%', _) => return Err(LaunchError::bad("the form is not percent-encoded")),
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).map_err(|_| LaunchError::bad("the form is not UTF-8"))
}
