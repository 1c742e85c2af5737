//! Files that are uploaded, and all files as they are fetched.

use std::sync::Arc;

use axum::Json;
use axum::body::Body as HttpBody;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tower::ServiceExt as _;
use tower_http::services::ServeFile;
use utoipa::ToSchema;

use super::body::{Body, Named};
use super::caller::Caller;
use super::error::{Answer, ApiError, ErrorBody, shown};
use super::generate::media_refused;
use crate::files::Category;
use crate::media::kind_of;
use crate::origin::Origin;
use crate::platform::Platform;
use crate::store::now;

/// Most characters of an address or a name.
const MAX_NAME_CHARS: usize = 2_048;

/// A file to upload: `file_url`, or `file_data` and `file_name`.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct UploadRequest {
    /// The address to fetch it from.
    #[schema(example = "https://example.com/avatar.jpg")]
    file_url: Option<String>,
    /// The file in base64.
    file_data: Option<String>,
    /// Its name with its ending.
    #[schema(example = "avatar.jpg")]
    file_name: Option<String>,
    /// `auto`, `image`, `video`, `audio` or `document`.
    file_type: Option<String>,
}

/// The file is there.
#[derive(Serialize, ToSchema)]
pub(crate) struct UploadAnswer {
    #[schema(example = true)]
    success: bool,
    message: &'static str,
    data: Uploaded,
}

/// A file.
#[derive(Serialize, ToSchema)]
pub(crate) struct Uploaded {
    file_url: String,
    /// The address or the name that it came by.
    original_source: String,
    #[schema(example = "image")]
    file_type: &'static str,
    /// In bytes.
    file_size: usize,
    #[schema(example = "image/jpeg")]
    mime_type: &'static str,
    #[schema(example = "images")]
    asset_category: &'static str,
    uploaded_at: String,
}

/// Takes a picture, a film, sound or a document, by its address or in base64.
#[utoipa::path(post, path = "/v1/files/upload", operation_id = "uploadFile", tag = "Files", request_body = UploadRequest,
    responses((status = 200, description = "The file is there", body = UploadAnswer),
        (status = 400, description = "The file can't be had", body = ErrorBody),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 413, description = "The file is too large: 10 MB for pictures, 100 for films, 25 for others", body = ErrorBody),
        (status = 415, description = "The file is of no kind that is taken", body = ErrorBody)))]
pub(crate) async fn upload(
    State(platform): State<Arc<Platform>>,
    _: Caller,
    origin: Origin,
    body: Body<UploadRequest>,
) -> Answer<Json<UploadAnswer>> {
    let asked = body.value;
    let kinds = [
        Category::Image,
        Category::Video,
        Category::Audio,
        Category::Document,
    ];
    let wanted = match asked.file_type.as_deref() {
        None | Some("auto") => None,
        Some(kind) => Some(
            kinds
                .into_iter()
                .find(|k| k.kind() == kind)
                .ok_or_else(|| {
                    let kind = shown(kind);
                    ApiError::invalid(format!(
                        "'{kind}' is no file_type; give auto, image, video, audio or document"
                    ))
                })?,
        ),
    };
    let (named, source) = match (asked.file_url, asked.file_data, asked.file_name) {
        (Some(url), None, _) if url.starts_with("http://") || url.starts_with("https://") => {
            (url.clone(), url)
        }
        (Some(_), None, _) => {
            return Err(ApiError::invalid("file_url is no address of http or https"));
        }
        (None, Some(data), Some(name)) => (format!("data:;base64,{data}"), name),
        (None, Some(_), None) => return Err(ApiError::missing("file_name")),
        (None, None, _) => return Err(ApiError::missing("file_url")),
        (Some(_), Some(_), _) => {
            return Err(ApiError::invalid("Give either file_url or file_data"));
        }
    };
    if source.chars().count() > MAX_NAME_CHARS {
        return Err(ApiError::invalid("the file's name or address is too long"));
    }
    // An address has a name of its own.
    let sent = named.starts_with("data:");
    let most = wanted.map_or(Category::Video.max_bytes(), Category::max_bytes);
    let data = tokio::task::spawn_blocking(move || -> Answer<Uploaded> {
        let mut media = platform
            .media(&named, most)
            .map_err(|error| media_refused(error, StatusCode::PAYLOAD_TOO_LARGE))?;
        if sent {
            media.name.clone_from(&source);
        }
        let found = kind_of(&media.content, &media.name);
        let (category, mime) = found
            .filter(|(kind, _)| wanted.is_none_or(|wanted| wanted == *kind))
            .ok_or_else(|| {
                let message =
                    "The file is of no kind that is taken, or not of the one that file_type says";
                ApiError::new(
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    "UNSUPPORTED_TYPE",
                    message,
                )
            })?;
        if media.content.len() > category.max_bytes() {
            let message = format!(
                "{} files have at most {} MB",
                category.kind(),
                category.max_bytes() >> 20
            );
            return Err(ApiError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "FILE_TOO_LARGE",
                message,
            ));
        }
        let name = platform.files.put(category, &media.name, &media.content)?;
        Ok(Uploaded {
            file_url: origin.file(&name),
            original_source: source,
            file_type: category.kind(),
            file_size: media.content.len(),
            mime_type: mime,
            asset_category: category.folder(),
            uploaded_at: now(),
        })
    })
    .await??;
    Ok(Json(UploadAnswer {
        success: true,
        message: "File uploaded successfully",
        data,
    }))
}

/// Gives a file to whoever knows its name. Parts of it are given, too, as players of films ask for them.
pub(crate) async fn file(
    State(platform): State<Arc<Platform>>,
    Named(name): Named,
    request: Request,
) -> Answer<Response> {
    let files = platform.files.clone();
    let found = tokio::task::spawn_blocking(move || files.find(&name)).await??;
    let path = found.ok_or_else(|| ApiError::not_found("File"))?;
    let served = ServeFile::new(path).oneshot(request).await;
    let mut response = match served {
        Ok(response) => response.map(HttpBody::new),
        Err(never) => match never {},
    };
    let headers = response.headers_mut();
    // A file that somebody has uploaded is nothing that runs on this server's pages.
    let policy =
        "default-src 'none'; sandbox; style-src 'unsafe-inline'; media-src 'self'; img-src 'self'";
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(policy),
    );
    // It never changes.
    let forever = "private, max-age=31536000, immutable";
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(forever));
    Ok(response)
}
