//! Why a provider gave nothing.

use super::upstream::UpstreamError;
use crate::domain::voice::Provider;

#[derive(Debug, thiserror::Error)]
pub enum VoiceError {
    #[error("{} transcription is not configured", .0.id())]
    NotConfigured(Provider),
    #[error("{provider} {source}")]
    Upstream { provider: &'static str, source: UpstreamError },
}

impl VoiceError {
    pub fn of(provider: Provider) -> impl FnOnce(UpstreamError) -> Self {
        move |source| Self::Upstream { provider: provider.label(), source }
    }
}
