//! Pages of lists.

use serde::Serialize;
use utoipa::ToSchema;

use super::error::{Answer, ApiError};

/// A page that is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    pub(crate) limit: i64,
    pub(crate) offset: i64,
}

/// A page's place in its list.
#[derive(Serialize, ToSchema)]
pub(crate) struct Pagination {
    #[schema(example = 20)]
    limit: i64,
    #[schema(example = 0)]
    offset: i64,
    /// Rows on all pages.
    #[schema(example = 137)]
    total: i64,
    #[schema(example = true)]
    has_more: bool,
}

impl Page {
    /// # Errors
    /// 400: a number that is out of its range.
    pub(crate) fn new(
        limit: Option<i64>,
        offset: Option<i64>,
        usual: i64,
        most: i64,
    ) -> Answer<Self> {
        let (limit, offset) = (limit.unwrap_or(usual), offset.unwrap_or(0));
        if !(1..=most).contains(&limit) {
            return Err(ApiError::invalid(format!("limit is from 1 to {most}")));
        }
        if offset < 0 {
            return Err(ApiError::invalid("offset is 0 or more"));
        }
        Ok(Self { limit, offset })
    }

    pub(crate) fn of(self, total: i64) -> Pagination {
        Pagination {
            limit: self.limit,
            offset: self.offset,
            total,
            has_more: self.offset.saturating_add(self.limit) < total,
        }
    }
}
