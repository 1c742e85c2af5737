//! How often an account and an address may ask, by the minute.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::error::{Answer, ApiError};

const MINUTE: Duration = Duration::from_secs(60);

/// Wrong secrets of an address in a minute.
const FAILURES: u32 = 30;

/// Accounts and addresses that are remembered; those whose minute is over are forgotten first.
const REMEMBERED: usize = 10_000;

/// How much a plan allows in a minute.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Plan {
    name: &'static str,
    /// Agents, gestures and videos; other changes; reads. None: as many as come.
    rates: Option<[u32; 3]>,
}

/// The plans of the described platform, and none at all.
const PLANS: [Plan; 6] = [
    Plan {
        name: "unlimited",
        rates: None,
    },
    Plan {
        name: "free",
        rates: Some([4, 30, 120]),
    },
    Plan {
        name: "creator",
        rates: Some([10, 60, 240]),
    },
    Plan {
        name: "pro",
        rates: Some([30, 180, 720]),
    },
    Plan {
        name: "business",
        rates: Some([60, 360, 1_440]),
    },
    Plan {
        name: "enterprise",
        rates: Some([120, 720, 2_880]),
    },
];

impl Default for Plan {
    /// Without limits.
    fn default() -> Self {
        PLANS[0]
    }
}

impl Plan {
    /// A plan by its name: `unlimited`, `free`, `creator`, `pro`, `business` or `enterprise`.
    pub fn find(name: &str) -> Option<Self> {
        PLANS.into_iter().find(|plan| plan.name == name)
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

/// The kind of a request, as limits count it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Bucket {
    Generate,
    Write,
    Read,
    /// Not counted.
    Free,
}

impl Bucket {
    /// The kind of a request by its method and path.
    pub(crate) fn of(method: &Method, path: &str) -> Self {
        let generates = [
            "/v1/agent/generate",
            "/v1/dynamics/generate",
            "/v1/video/generate",
        ];
        if path.starts_with("/v1/webhooks") || path.starts_with("/v1/runtime-") {
            Self::Free
        } else if generates.contains(&path) {
            Self::Generate
        } else if *method == Method::GET || *method == Method::HEAD {
            Self::Read
        } else {
            Self::Write
        }
    }
}

/// Requests in the minutes under way.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    plan: Plan,
    counts: Mutex<HashMap<(String, Bucket), Minute>>,
    failures: Mutex<HashMap<IpAddr, Minute>>,
}

#[derive(Clone, Copy, Debug)]
struct Minute {
    begun: Instant,
    count: u32,
}

impl Minute {
    /// The minute under way in place of one that is over.
    fn current(entry: Option<&Self>) -> Self {
        match entry {
            Some(minute) if minute.begun.elapsed() < MINUTE => *minute,
            _ => Self {
                begun: Instant::now(),
                count: 0,
            },
        }
    }

    /// Seconds until it is over.
    fn left_s(&self) -> u64 {
        MINUTE.saturating_sub(self.begun.elapsed()).as_secs() + 1
    }
}

/// The rest of a limit, for an answer's headers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left {
    limit: u32,
    remaining: u32,
    reset_s: u64,
}

impl Left {
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        for (name, value) in [
            ("x-ratelimit-limit", u64::from(self.limit)),
            ("x-ratelimit-remaining", u64::from(self.remaining)),
            ("x-ratelimit-reset", self.reset_s),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
        }
    }
}

impl Limits {
    pub(crate) fn new(plan: Plan) -> Self {
        Self {
            plan,
            ..Self::default()
        }
    }

    pub(crate) fn plan(&self) -> Plan {
        self.plan
    }

    /// Counts a request; the secret stands for the account, so that wrong ones are counted, too. False in
    /// the first place: it is one too many.
    pub(crate) fn count(&self, secret: &str, bucket: Bucket) -> (bool, Option<Left>) {
        let limit = match (self.plan.rates, bucket) {
            (None, _) | (_, Bucket::Free) => return (true, None),
            (Some(rates), Bucket::Generate) => rates[0],
            (Some(rates), Bucket::Write) => rates[1],
            (Some(rates), Bucket::Read) => rates[2],
        };
        let mut counts = locked(&self.counts);
        make_room(&mut counts);
        let key = (secret.to_owned(), bucket);
        let mut minute = Minute::current(counts.get(&key));
        let allowed = minute.count < limit;
        minute.count += u32::from(allowed);
        counts.insert(key, minute);
        let left = Left {
            limit,
            remaining: limit - minute.count,
            reset_s: minute.left_s(),
        };
        (allowed, Some(left))
    }

    /// Refuses an address that has sent many wrong secrets in this minute.
    ///
    /// # Errors
    /// 429.
    pub(crate) fn check_failures(&self, remote: Option<IpAddr>) -> Answer<()> {
        let Some(remote) = remote else { return Ok(()) };
        let failures = locked(&self.failures);
        let minute = Minute::current(failures.get(&remote));
        match minute.count >= FAILURES && !remote.is_loopback() {
            true => Err(too_many("Too many wrong API secrets").retry_after(minute.left_s())),
            false => Ok(()),
        }
    }

    /// Counts a wrong secret.
    pub(crate) fn note_failure(&self, remote: Option<IpAddr>) {
        if let Some(remote) = remote {
            let mut failures = locked(&self.failures);
            make_room(&mut failures);
            let mut minute = Minute::current(failures.get(&remote));
            minute.count += 1;
            failures.insert(remote, minute);
        }
    }
}

/// The refusal of a request that is one too many.
pub(crate) fn too_many(message: &str) -> ApiError {
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", message)
}

fn make_room<K: Eq + std::hash::Hash>(minutes: &mut HashMap<K, Minute>) {
    if minutes.len() >= REMEMBERED {
        minutes.retain(|_, minute| minute.begun.elapsed() < MINUTE);
    }
    if minutes.len() >= REMEMBERED {
        minutes.clear();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Left {
    pub(crate) fn reset_s(&self) -> u64 {
        self.reset_s
    }
}
