use super::*;
use std::string::ToString;
use std::vec::Vec;

/// The registered codes, some that are free, private ones, and some that are none.
const CODES: [u16; 22] = [
    1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015, 2999,
    3000, 4000, 4999, 5000, 0,
];
const ORIGINS: [Origin; 3] = [Origin::Local, Origin::Remote, Origin::Abnormal];

fn private_is_fine(closed: &Closed) -> bool {
    closed.code.as_u16() >= 4000 && closed.origin == Origin::Remote
}

/// The four presets, and what each calls clean.
type Preset = (Classifier, fn(u16, Origin) -> bool);
const PRESETS: [Preset; 4] = [
    (Classifier::OnlyNormal, |code, _| code == 1000),
    (Classifier::NormalOrAbnormal, |code, _| code == 1000 || code == 1006),
    (Classifier::EveryCloseIsError, |_, _| false),
    (Classifier::Function(private_is_fine), |code, origin| code >= 4000 && origin == Origin::Remote),
];

#[test]
fn presets_over_all_codes_and_origins() {
    for (classifier, is_clean) in PRESETS {
        for (code, origin) in CODES.into_iter().flat_map(|code| ORIGINS.map(|origin| (code, origin))) {
            for cause in [Cause::Handshake, Cause::Transport(End::Eof), Cause::Aborted] {
                let closed = Closed::new(origin, code.into(), "why", cause, classifier);
                assert_eq!(closed.is_clean(), is_clean(code, origin), "{code} {origin:?} {classifier:?}");
                assert_eq!(closed.with_sent(Some(code.into())).is_clean(), is_clean(code, origin));
            }
        }
    }
    assert!(matches!(Classifier::default(), Classifier::OnlyNormal));
}

#[test]
fn which_codes_may_be_sent_and_which_are_worth_a_retry() {
    for code in 0..=u16::MAX {
        let reserved = matches!(code, ..1000 | 1004..=1006 | 1015..3000 | 5000..);
        assert_eq!(CloseCode::from(code).may_be_sent(), !reserved, "{code}");
        let retried = [1001, 1006, 1011, 1012, 1013, 1014].contains(&code);
        assert_eq!(CloseCode::from(code).is_retryable(), retried, "{code}");
    }
}

#[test]
fn what_a_close_frame_can_say() {
    let longest = "x".repeat(123);
    assert!(
        CloseCode::NORMAL.can_close_with(&longest) && !CloseCode::NORMAL.can_close_with(&(longest + "x"))
    );
    assert!(CloseCode::NO_STATUS.can_close_with("") && !CloseCode::NO_STATUS.can_close_with("why"));
    assert!(!CloseCode::ABNORMAL.can_close_with(""));
}

fn causes() -> Vec<(Cause, bool, When)> {
    let transport = |end, retried, when| (Cause::Transport(end), retried, when);
    let timeout = |timeout, retried, when| (Cause::Timeout(timeout), retried, when);
    Vec::from([
        (Cause::Violation(Violation::CloseBody), false, When::Read),
        timeout(Timeout::Handshake, true, When::Handshake),
        timeout(Timeout::Idle, true, When::Read),
        timeout(Timeout::Pong, true, When::Read),
        timeout(Timeout::WriteStall, true, When::Write),
        timeout(Timeout::Close, false, When::Close),
        transport(End::Eof, true, When::Read),
        transport(End::Reset, true, When::Read),
        transport(End::TimedOut, true, When::Read),
        transport(End::ReadFailed, true, When::Read),
        transport(End::WriteFailed, true, When::Write),
        transport(End::Truncated, true, When::Read),
        transport(End::TlsFailed, false, When::Read),
        transport(End::Dropped, false, When::Close),
        (Cause::Refused(403), false, When::Handshake),
        (Cause::Aborted, false, When::Close),
        (Cause::Overload, false, When::Write),
    ])
}

#[test]
fn what_is_worth_a_retry() {
    let closed =
        |origin, code: u16, cause| Closed::new(origin, code.into(), "", cause, Classifier::default());
    for code in CODES {
        let remote = closed(Origin::Remote, code, Cause::Handshake);
        assert_eq!(remote.is_retryable(), CloseCode::from(code).is_retryable(), "{code}");
        assert!(!closed(Origin::Local, code, Cause::Handshake).is_retryable(), "a local close");
        let ended = closed(Origin::Abnormal, code, Cause::Handshake);
        assert_eq!(
            ended.is_retryable(),
            CloseCode::from(code).is_retryable(),
            "{code}, without a Close frame"
        );
        assert_eq!(remote.when(), When::Close);
    }
    let mut names = Vec::from([Cause::Handshake.name()]);
    for (cause, retried, when) in causes() {
        let lost = closed(Origin::Abnormal, 1006, cause);
        assert_eq!((lost.is_retryable(), lost.when()), (retried, when), "{cause:?}");
        let closing = lost.with_sent(Some(CloseCode::NORMAL));
        assert!(!closing.is_retryable(), "this side had closed: {cause:?}");
        names.push(cause.name());
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), causes().len() + 1, "two share a name");
}

#[test]
fn an_end_is_told_in_words() {
    let told = |origin, reason: &str, cause| {
        Closed::new(origin, CloseCode::GOING_AWAY, reason, cause, Classifier::default()).to_string()
    };
    assert_eq!(told(Origin::Local, "", Cause::Handshake), "closed here with 1001");
    assert_eq!(told(Origin::Remote, "off", Cause::Handshake), "closed by the peer with 1001 (off)");
    let lost = told(Origin::Abnormal, "", Timeout::Pong.into());
    assert_eq!(lost, "ended without a Close frame: a ping was not answered");
}
