//! The tables as diesel sees them. Kept in step with `migrations/` by the store's tests.

diesel::table! {
    hub (key) { key -> Text, value -> Text, }
}

diesel::table! {
    sessions (key) {
        key -> BigInt,
        id -> Text,
        namespace -> Text,
        tag -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
        seq -> BigInt,
        metadata -> Nullable<Text>,
        metadata_version -> BigInt,
        agent_state -> Nullable<Text>,
        agent_state_version -> BigInt,
        todos -> Nullable<Text>,
        todos_updated_at -> BigInt,
        team_state -> Nullable<Text>,
        team_state_updated_at -> BigInt,
        model -> Nullable<Text>,
        model_reasoning_effort -> Nullable<Text>,
        effort -> Nullable<Text>,
        service_tier -> Nullable<Text>,
        permission_mode -> Nullable<Text>,
        collaboration_mode -> Nullable<Text>,
        agent_mode -> Nullable<Text>,
        pin -> Text,
        active -> Bool,
        active_at -> BigInt,
        has_content -> Bool,
        message_epoch -> BigInt,
        message_seq_floor -> BigInt,
        seen_at -> BigInt,
    }
}

diesel::table! {
    messages (key) {
        key -> BigInt,
        id -> Text,
        session_key -> BigInt,
        seq -> BigInt,
        local_id -> Nullable<Text>,
        created_at -> BigInt,
        invoked_at -> Nullable<BigInt>,
        scheduled_at -> Nullable<BigInt>,
        position_at -> BigInt,
        delivery_state -> Text,
        encoding -> SmallInt,
        content -> Binary,
        steered -> Bool,
    }
}

diesel::table! {
    machines (key) {
        key -> BigInt,
        id -> Text,
        namespace -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        seq -> BigInt,
        metadata -> Nullable<Text>,
        metadata_version -> BigInt,
        runner_state -> Nullable<Text>,
        runner_state_version -> BigInt,
        active -> Bool,
        active_at -> BigInt,
    }
}

diesel::table! {
    journal_floors (namespace, session_id) {
        namespace -> Text,
        session_id -> Text,
        seq -> BigInt,
    }
}

diesel::table! {
    journal (key) {
        key -> BigInt,
        namespace -> Text,
        seq -> BigInt,
        at -> BigInt,
        kind -> Text,
        session_id -> Nullable<Text>,
        machine_id -> Nullable<Text>,
        message_id -> Nullable<Text>,
        body -> Nullable<Text>,
    }
}

diesel::table! {
    decisions (session_key, request_id, request_created_at) {
        session_key -> BigInt,
        request_id -> Text,
        request_created_at -> BigInt,
        answer -> Text,
        decided_by -> Text,
        decided_from -> Text,
        decided_at -> BigInt,
        state -> Text,
    }
}

diesel::table! {
    set_aside (key) {
        key -> BigInt,
        session_id -> Text,
        at -> BigInt,
        payload -> Text,
    }
}

diesel::table! {
    intents (key) {
        key -> BigInt,
        namespace -> Text,
        session_id -> Text,
        kind -> Text,
        state -> Text,
        other_session_id -> Nullable<Text>,
        plan -> Text,
        outcome -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    scratchlist (session_key, entry_id) {
        session_key -> BigInt,
        entry_id -> Text,
        text -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        attachments -> Text,
    }
}

diesel::table! {
    deserted_folders (session_id) {
        session_id -> Text,
        namespace -> Text,
    }
}

diesel::table! {
    usage_events (session_key, source_key) {
        session_key -> BigInt,
        source_key -> Text,
        message_seq -> BigInt,
        created_at -> BigInt,
        agent -> Text,
        model -> Nullable<Text>,
        input_tokens -> BigInt,
        output_tokens -> BigInt,
        cache_read_tokens -> BigInt,
        cache_creation_tokens -> BigInt,
    }
}

diesel::table! {
    usage_scans (session_key) {
        session_key -> BigInt,
        message_epoch -> BigInt,
        last_seq -> BigInt,
        readings -> Text,
    }
}

diesel::table! {
    users (key) {
        key -> BigInt,
        platform -> Text,
        platform_user_id -> Text,
        namespace -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    push_subscriptions (key) {
        key -> BigInt,
        namespace -> Text,
        endpoint -> Text,
        p256dh -> Text,
        auth -> Text,
        created_at -> BigInt,
        refused -> BigInt,
    }
}

diesel::table! {
    told (session_key, kind, subject, moment) {
        session_key -> BigInt,
        kind -> Text,
        subject -> Text,
        moment -> BigInt,
        told_at -> BigInt,
    }
}

diesel::table! {
    devices (key) {
        key -> BigInt,
        namespace -> Text,
        token -> Text,
        platform -> Text,
        device_id -> Text,
        push_key -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    sessions,
    messages,
    journal,
    journal_floors,
    decisions,
    deserted_folders,
    scratchlist,
    usage_events,
    usage_scans
);
