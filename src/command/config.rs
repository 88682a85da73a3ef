//! `wheelhouse config show`: each value in effect and its source. Writes nothing.

use std::fmt::Write;

use crate::config::{Config, Error, Sources};

pub fn show(sources: Sources) -> Result<String, Error> {
    let config = Config::load(sources)?;
    let mut text = format!("home = {}  ({})\n", config.home.display(), config.home.source);
    for line in config.show() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{line}");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_with_their_source_and_secrets_are_hidden() {
        let home = tempfile::tempdir().unwrap();
        let env = [("CLI_API_TOKEN".to_owned(), "s3cret".to_owned())].into();
        let text = show(Sources { home: Some(home.path().to_owned()), env, ..Sources::default() }).unwrap();
        let text = text.replace(&home.path().display().to_string(), "<home>");
        insta::assert_snapshot!(text, @"
        home = <home>  (flag --home)
        public_url = http://localhost:3006  (default)
        listen.host = 127.0.0.1  (default)
        listen.port = 3006  (default)
        proxy.trusted = none  (default)
        proxy.headers = x-forwarded-for  (default)
        tunnel.command = not set  (default)
        tunnel.arguments =   (default)
        tunnel.token = not set  (default)
        tunnel.address_within_ms = 30000  (default)
        cors.origins = http://localhost:3006  (default)
        database.path = <home>/wheelhouse.db  (default)
        auth.base_token = hidden  (environment CLI_API_TOKEN)
        auth.jwt_ttl = 14400  (default)
        auth.legacy_handshake = false  (default)
        login.failures = 20  (default)
        login.window_seconds = 60  (default)
        telegram.bot_token = not set  (default)
        terminal.max = 4  (default)
        terminal.idle_ms = 900000  (default)
        events.heartbeat_ms = 25000  (default)
        events.write_timeout_ms = 30000  (default)
        journal.max_rows = 50000  (default)
        journal.max_bytes = 268435456  (default)
        journal.max_age_days = 7  (default)
        journal.tail_frames = 4096  (default)
        journal.tail_bytes = 16777216  (default)
        limits.body_bytes = 71303168  (default)
        limits.frame_bytes = 50331648  (default)
        limits.connections = 100000  (default)
        limits.streams = 50000  (default)
        limits.streams_per_namespace = 10000  (default)
        limits.streams_per_token = 10000  (default)
        limits.links = 50000  (default)
        limits.links_per_namespace = 10000  (default)
        limits.links_per_token = 10000  (default)
        limits.links_of_strangers = 20000  (default)
        limits.links_per_address = 10000  (default)
        limits.inflight_bytes = 536870912  (default)
        limits.inflight_bytes_per_namespace = 268435456  (default)
        limits.inflight_bytes_per_token = 268435456  (default)
        limits.inflight_bytes_of_strangers = 134217728  (default)
        limits.inflight_bytes_per_address = 100663296  (default)
        limits.body_stall_ms = 30000  (default)
        limits.rate_per_namespace = 4000  (default)
        limits.burst_per_namespace = 40000  (default)
        limits.rate_per_token = 2000  (default)
        limits.burst_per_token = 20000  (default)
        limits.rate_per_address = 100  (default)
        limits.burst_per_address = 2000  (default)
        scratchlist.attachment_bytes = 10485760  (default)
        scratchlist.attachments_per_entry = 4  (default)
        scratchlist.entry_bytes = 20971520  (default)
        scratchlist.session_bytes = 104857600  (default)
        scratchlist.mime_types = image/jpeg, image/png, image/gif, image/webp, image/svg+xml, application/pdf, text/plain  (default)
        actors.passivate_after_ms = 300000  (default)
        usage.prices = none  (default)
        usage.list_prices = 29 lines  (default)
        title.base_url = not set  (default)
        title.api_key = not set  (default)
        title.model = not set  (default)
        title.max_tokens = 64  (default)
        title.timeout_ms = 10000  (default)
        title.rate_limit = 5  (default)
        title.rate_window_ms = 600000  (default)
        push.subject = not set  (default)
        push.allow_private = false  (default)
        push.details = false  (default)
        push.timeout_ms = 10000  (default)
        push.attempts = 4  (default)
        push.retry_ms = 1000  (default)
        voice.openai_api_key = not set  (default)
        voice.elevenlabs_api_key = not set  (default)
        voice.deepgram_api_key = not set  (default)
        voice.groq_api_key = not set  (default)
        voice.gemini_api_key = not set  (default)
        voice.dashscope_api_key = not set  (default)
        voice.transcription_base_url = not set  (default)
        voice.transcription_model = not set  (default)
        voice.transcription_api_key = not set  (default)
        voice.backend = not set  (default)
        voice.openai_url = https://api.openai.com/v1  (default)
        voice.elevenlabs_url = https://api.elevenlabs.io/v1  (default)
        voice.deepgram_url = https://api.deepgram.com/v1  (default)
        voice.groq_url = https://api.groq.com/openai/v1  (default)
        voice.timeout_ms = 120000  (default)
        web.dir = not set  (default)
        log.filter = info  (default)
        log.json = false  (default)
        stop.drain_ms = 5000  (default)
        ");
    }
}
