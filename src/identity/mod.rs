//! Who may come in, and as whom: the hub's own secrets, access tokens, web tokens, and the brake on guessing.

mod jwt;
mod limiter;
mod secrets;
mod telegram;
mod tokens;
mod vapid;

pub use self::{
    jwt::{Claims, Jwt, JwtError},
    limiter::{FailedLogins, RetryAfter, Time, network},
    secrets::{BaseToken, JwtKey, Secrets, holds_jwt_key, holds_owner_id},
    telegram::{TelegramError, TelegramUser, verify as verify_telegram},
    tokens::AccessTokens,
    vapid::VapidKeys,
};
