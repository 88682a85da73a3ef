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

diesel::allow_tables_to_appear_in_same_query!(sessions, messages, journal, decisions);
