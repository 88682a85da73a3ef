use proptest::prelude::*;

use super::*;

const NOW: Millis = 1_790_000_000_000;

fn alive() -> Turn {
    Turn::default().heartbeat(NOW, NOW, false, false).told(NOW)
}

#[test]
fn client_times_are_believed_within_bounds() {
    assert_eq!(clamp(NOW, f64::NAN), None);
    assert_eq!(clamp(NOW, f64::INFINITY), None);
    assert_eq!(clamp(NOW, 1e300), Some(NOW));
    assert_eq!(clamp(NOW, 1_790_000_000_001.0), Some(NOW));
    assert_eq!(clamp(NOW, 1_789_999_999_999.9), Some(NOW - 1));
    assert_eq!(clamp(NOW, 1_789_999_400_000.0), Some(NOW - 600_000));
    assert_eq!(clamp(NOW, 1_789_999_399_999.0), None);
    assert_eq!(clamp(5_000, 0.0), None);
    assert_eq!(clamp(NOW, -1e300), None);
}

#[test]
fn a_prompt_makes_the_agent_think_until_the_grace_is_over() {
    let idle = alive();
    let asked = idle.prompt_queued(NOW + 10, NOW + 5);
    assert_eq!((asked.thinking, asked.turn_started_at), (true, Some(NOW + 5)));
    let held = asked.heartbeat(NOW + 2_000, NOW + 2_000, false, true);
    assert_eq!((held.thinking, held.turn_started_at), (true, Some(NOW + 2_000)));
    let taken = held.heartbeat(NOW + 4_000, NOW + 4_000, false, false);
    assert_eq!((taken.thinking, taken.turn_started_at), (true, Some(NOW + 2_000)));
    let over = taken.heartbeat(NOW + 15_010, NOW + 15_010, false, false);
    assert_eq!((over.thinking, over.turn_started_at, over.grace_until), (false, None, None));
    let excused = held.grace_over().heartbeat(NOW + 4_000, NOW + 4_000, false, false);
    assert!(!excused.thinking);
}

#[test]
fn the_first_busy_heartbeat_ends_the_grace() {
    let asked = alive().prompt_queued(NOW, NOW);
    let busy = asked.heartbeat(NOW + 1_000, NOW + 1_000, true, true);
    assert_eq!((busy.grace_until, busy.turn_started_at), (None, Some(NOW)));
    assert!(!busy.heartbeat(NOW + 2_000, NOW + 2_000, false, false).thinking);
}

#[test]
fn a_second_prompt_does_not_restart_the_turn() {
    let asked = alive().prompt_queued(NOW, NOW).prompt_queued(NOW + 500, NOW + 500);
    assert_eq!((asked.turn_started_at, asked.grace_until), (Some(NOW), Some(NOW + 500 + PROMPT_GRACE)));
}

#[test]
fn nothing_starts_in_an_inactive_session() {
    let gone = alive().expire();
    assert_eq!(gone.prompt_queued(NOW, NOW), gone);
    assert_eq!(gone.ended(NOW), gone);
}

#[test]
fn a_turn_started_at_the_terminal_has_no_start() {
    let busy = alive().heartbeat(NOW, NOW, true, false);
    assert_eq!((busy.thinking, busy.turn_started_at), (true, None));
}

#[test]
fn an_end_clears_the_turn() {
    let ended = alive().prompt_queued(NOW, NOW).ended(NOW + 7);
    let expected = Turn { active_at: NOW, thinking_at: NOW + 7, last_broadcast: NOW, ..Turn::default() };
    assert_eq!(ended, expected);
}

#[test]
fn quiet_heartbeats_are_told_seldom() {
    let turn = alive();
    let at = |later: Millis| turn.heartbeat(NOW + later, NOW + later, false, false);
    assert!(!turn.needs_patch(&at(10_000), NOW + 10_000));
    assert!(turn.needs_patch(&at(10_001), NOW + 10_001));
    assert!(turn.needs_patch(&turn.heartbeat(NOW + 1, NOW + 1, true, false), NOW + 1));
    assert!(Turn::default().needs_patch(&turn, 1));
}

#[test]
fn machines_have_more_time() {
    assert!(!machine_expired(true, NOW, NOW + 45_000));
    assert!(machine_expired(true, NOW, NOW + 45_001));
    assert!(!machine_expired(false, NOW, NOW + 99_000));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Heartbeat { late: i64, thinking: bool, has_queued: bool },
    Prompt,
    Taken,
    End { late: i64 },
    Tick,
}

fn step() -> impl Strategy<Value = Step> {
    let late = -5_000_i64..700_000;
    prop_oneof![
        4 => (late.clone(), any::<bool>(), any::<bool>())
            .prop_map(|(late, thinking, has_queued)| Step::Heartbeat { late, thinking, has_queued }),
        2 => Just(Step::Prompt),
        1 => Just(Step::Taken),
        1 => late.prop_map(|late| Step::End { late }),
        2 => Just(Step::Tick),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_the_invariants_hold(steps in prop::collection::vec((0_i64..40_000, step()), 1..60)) {
        let mut now = NOW;
        let mut turn = Turn::default();
        for (pause, step) in steps {
            now += pause;
            let before = turn;
            turn = match step {
                Step::Heartbeat { late, thinking, has_queued } => match clamp(now, (now - late) as f64) {
                    Some(time) => turn.heartbeat(now, time, thinking, has_queued),
                    None => turn,
                },
                Step::Prompt => turn.prompt_queued(now, now),
                Step::Taken => turn.grace_over(),
                Step::End { late } => turn.ended(now - late),
                Step::Tick if turn.expired(now) => turn.expire(),
                Step::Tick => turn,
            };
            prop_assert!(turn.active_at >= before.active_at);
            prop_assert!(turn.active_at <= now);
            prop_assert!(turn.active || !turn.thinking, "only an active session thinks");
            prop_assert!(turn.thinking || turn.turn_started_at.is_none(), "a turn belongs to a thinking session");
            prop_assert!(turn.grace_until.is_none_or(|until| until <= now + PROMPT_GRACE));
        }
    }

    #[test]
    fn steady_heartbeats_never_flap(pauses in prop::collection::vec(1_i64..=25_000, 1..60)) {
        let mut turn = alive();
        let mut now = NOW;
        for pause in pauses {
            let next = now + pause;
            let mut tick = now;
            while tick < next {
                prop_assert!(!turn.expired(tick));
                tick += EXPIRY_TICK;
            }
            prop_assert!(!turn.expired(next));
            now = next;
            turn = turn.heartbeat(now, now, false, false);
        }
    }

    #[test]
    fn silence_is_found_within_a_tick(phase in 0..EXPIRY_TICK) {
        let turn = alive();
        let noticed = (0..).map(|number| NOW + phase + number * EXPIRY_TICK).find(|tick| turn.expired(*tick));
        let noticed = noticed.unwrap();
        prop_assert!(noticed > NOW + SESSION_EXPIRY && noticed <= NOW + SESSION_EXPIRY + EXPIRY_TICK);
        prop_assert!(!turn.expire().expired(noticed));
    }
}
