//! `Avatar`: an opened avatar with the threads that render its sessions.

use std::sync::Arc;

use super::core::RenderPool;
use crate::avatar::{AvatarData, AvatarInfo};
use crate::imx::Container;
use crate::infer::ProviderReport;

/// One face: networks, base frames and motions out of one `.imx` file.
///
/// Cheap to clone; clones are the same avatar. Any number of sessions, on any threads, share its
/// memory.
#[derive(Clone)]
pub struct Avatar {
    pub(crate) data: Arc<AvatarData>,
    pub(super) pool: RenderPool,
}

impl Avatar {
    pub(crate) fn new(data: AvatarData, pool: RenderPool) -> Self {
        Self {
            data: Arc::new(data),
            pool,
        }
    }

    /// Its description.
    pub fn info(&self) -> &AvatarInfo {
        &self.data.info
    }

    /// Which execution provider runs it, and why not another.
    pub fn provider(&self) -> &ProviderReport {
        &self.data.report
    }

    /// The file behind it. Members that aren't read again, such as the networks, may no longer be in memory
    /// ([`Container::has`]).
    pub fn container(&self) -> &Container {
        &self.data.container
    }
}

impl std::fmt::Debug for Avatar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Avatar")
            .field("info", &self.data.info)
            .finish_non_exhaustive()
    }
}
