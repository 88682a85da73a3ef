//! Request bodies under way: what one announces is taken from its sender's share at once, what it does not announce as
//! it comes, and all is given back when the request has been answered. A body that makes no progress is given up.

use std::{
    cell::{Cell, RefCell},
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::{
    HttpMessage,
    dev::{Payload, ServiceRequest},
    error::PayloadError,
    http::header::CONTENT_LENGTH,
};
use bytes::Bytes;
use futures_util::Stream;
use tokio::time::Sleep;

use super::{
    Shared,
    error::{ApiError, ApiResult},
};
use crate::limits::{Limits, Permit, Refusal, Who};

/// How much has to come within the time that a body may take without an end.
const PROGRESS: usize = 16 * 1024;

/// So little of a stranger's body is not counted: hardly more than its connection weighs, and enough to sign in, from
/// which others who only seem to send something must keep nobody.
const SMALL: u64 = 4 * 1024;

/// One body, counted until this is dropped.
pub struct Inflight(Rc<Counted>);

struct Counted {
    limits: Arc<Limits>,
    permit: RefCell<Permit>,
    /// Bytes that do not count.
    free: u64,
    given_up: Cell<Option<GivenUp>>,
}

#[derive(Clone, Copy)]
enum GivenUp {
    Refused(Refusal),
    Stalled,
    TooLarge,
}

impl Inflight {
    /// Why the body was not read to its end, when that was decided here.
    pub fn given_up(&self) -> Option<ApiError> {
        self.0.given_up.get().map(|why| match why {
            GivenUp::Refused(refusal) => refusal.into(),
            GivenUp::Stalled => ApiError::body_stalled(),
            GivenUp::TooLarge => ApiError::too_large(),
        })
    }
}

/// Puts the counting in front of the request's body, if it has one.
pub fn count(req: &mut ServiceRequest, shared: &Shared, who: Who) -> ApiResult<Option<Inflight>> {
    let body = req.take_payload();
    if matches!(body, Payload::None) {
        return Ok(None);
    }
    let announced = req.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    // What is over the limit of one body is refused by whoever would read it, and read by nobody.
    let announced =
        announced.filter(|bytes: &u64| usize::try_from(*bytes).is_ok_and(|it| it <= shared.body_limit));
    let free = if who.is_stranger() { SMALL } else { 0 };
    let announced = announced.unwrap_or_default().saturating_sub(free);
    if shared.limits.never_fits(&who, announced) {
        return Err(ApiError::too_large());
    }
    let permit = shared.limits.body(who, announced)?;
    let counted = Rc::new(Counted {
        limits: shared.limits.clone(),
        permit: RefCell::new(permit),
        free,
        given_up: Cell::new(None),
    });
    let patience = shared.limits.stall;
    let body = CountedBody { body, counted: counted.clone(), read: 0, patience, recent: 0, deadline: None };
    req.set_payload(Payload::Stream { payload: Box::pin(body) });
    Ok(Some(Inflight(counted)))
}

struct CountedBody {
    body: Payload,
    counted: Rc<Counted>,
    read: u64,
    patience: Duration,
    /// Bytes since the deadline was set.
    recent: usize,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl CountedBody {
    fn take(&mut self, chunk: &Bytes) -> Result<(), GivenUp> {
        self.recent += chunk.len();
        if self.recent >= PROGRESS {
            self.recent = 0;
            self.deadline = None;
        }
        self.read += u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        let mut permit = self.counted.permit.borrow_mut();
        let weight = self.read.saturating_sub(self.counted.free);
        let missing = weight.saturating_sub(permit.amount());
        if missing == 0 {
            return Ok(());
        }
        if self.counted.limits.never_fits(permit.who(), weight) {
            return Err(GivenUp::TooLarge);
        }
        self.counted.limits.more(&mut permit, missing).map_err(GivenUp::Refused)
    }

    fn give_up(&self, why: GivenUp) -> PayloadError {
        self.counted.given_up.set(Some(why));
        PayloadError::Io(std::io::ErrorKind::Other.into())
    }
}

impl Stream for CountedBody {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match Pin::new(&mut self.body).poll_next(cx) {
            Poll::Ready(Some(Ok(chunk))) => Poll::Ready(Some(match self.take(&chunk) {
                Ok(()) => Ok(chunk),
                Err(why) => Err(self.give_up(why)),
            })),
            Poll::Ready(end) => Poll::Ready(end),
            Poll::Pending => {
                let patience = self.patience;
                let deadline = self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
                ready!(deadline.as_mut().poll(cx));
                Poll::Ready(Some(Err(self.give_up(GivenUp::Stalled))))
            }
        }
    }
}
