//! The machine beside sets of sets and lists of what each was to get.

use super::*;
use alloc::collections::{BTreeMap, BTreeSet};
use proptest::prelude::*;

const MEMBERS: usize = 5;
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

#[derive(Clone, Debug)]
enum Step {
    Join(usize, usize),
    Leave(usize, usize),
    Vanish(usize),
    One(usize, Option<usize>),
    Several(Vec<usize>, Option<usize>),
    Members(Option<usize>),
    Everyone(Option<usize>),
    Direct(usize),
    Read(usize, usize),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let (member, name) = (0..MEMBERS, 0..NAMES.len());
    let except = proptest::option::of(0..MEMBERS);
    prop_oneof![
        4 => (member.clone(), name.clone()).prop_map(|(m, n)| Step::Join(m, n)),
        2 => (member.clone(), name.clone()).prop_map(|(m, n)| Step::Leave(m, n)),
        1 => member.clone().prop_map(Step::Vanish),
        6 => (name.clone(), except.clone()).prop_map(|(n, e)| Step::One(n, e)),
        4 => (proptest::collection::vec(name, 0..4), except.clone()).prop_map(|(n, e)| Step::Several(n, e)),
        3 => except.clone().prop_map(Step::Members),
        2 => except.prop_map(Step::Everyone),
        2 => member.clone().prop_map(Step::Direct),
        6 => (member, 1..200_usize).prop_map(|(m, n)| Step::Read(m, n)),
        1 => (1..500_u64).prop_map(Step::Pass),
    ]
}

fn policy() -> impl Strategy<Value = SlowPolicy> {
    prop_oneof![
        Just(SlowPolicy::DropNewest),
        Just(SlowPolicy::DropOldest),
        Just(SlowPolicy::Disconnect),
        (1..2000_u64).prop_map(|ms| SlowPolicy::Wait(Duration::from_millis(ms))),
    ]
}

/// Who is in what, and what each was to get.
#[derive(Default)]
struct Model {
    groups: BTreeMap<&'static str, BTreeSet<usize>>,
    open: BTreeSet<usize>,
    meant: [Vec<String>; MEMBERS],
    number: usize,
}

impl Model {
    fn members(&self) -> BTreeSet<usize> {
        self.groups.values().flatten().copied().collect()
    }

    fn drop_member(&mut self, member: usize) -> Vec<&'static str> {
        let mut left = Vec::new();
        self.groups.retain(|name, members| {
            if members.remove(&member) {
                left.push(*name);
            }
            !members.is_empty()
        });
        left
    }

    /// The text of the next message, which is for these.
    fn mean(&mut self, to: &BTreeSet<usize>, except: Option<usize>) -> (String, usize) {
        self.number += 1;
        let text = std::format!("{:0width$}", self.number, width = 4 + self.number % 30);
        let to: Vec<_> = to.iter().filter(|m| Some(**m) != except).collect();
        for member in &to {
            self.meant[**member].push(text.clone());
        }
        (text, to.len())
    }
}

fn run(policy: SlowPolicy, steps: &[Step]) {
    let mut hall = Hall::new(config(policy), MEMBERS);
    let mut model = Model { open: (0..MEMBERS).collect(), ..Model::default() };
    for step in steps {
        take(&mut hall, &mut model, step);
        // One of them keeps up.
        while hall.read(0, 1000) {}
        // Whoever was disconnected has left, and only such a one.
        for member in model.open.clone() {
            if hall.groups().member(hall.conns[member]).is_some_and(|stats| stats.is_disconnected) {
                assert!(matches!(policy, SlowPolicy::Disconnect | SlowPolicy::Wait(_)));
                model.drop_member(member);
                model.open.remove(&member);
            }
        }
        compare(&hall, &model);
    }
    for member in 0..MEMBERS {
        judge(&mut hall, &model, policy, member);
    }
}

fn take(hall: &mut Hall, model: &mut Model, step: &Step) {
    match step {
        Step::Join(m, n) => {
            let joined = hall.join(*m, NAMES[*n]);
            let expected =
                model.open.contains(m).then(|| model.groups.entry(NAMES[*n]).or_default().insert(*m));
            assert_eq!(joined.ok(), expected);
        }
        Step::Leave(m, n) => {
            let was = model.groups.get_mut(NAMES[*n]).is_some_and(|members| members.remove(m));
            model.groups.retain(|_, members| !members.is_empty());
            assert_eq!(hall.leave(*m, NAMES[*n]), was);
        }
        Step::Vanish(m) if model.open.remove(m) => {
            let left = hall.vanish(*m);
            assert_eq!(left.groups.iter().map(|name| &**name).collect::<Vec<_>>(), model.drop_member(*m));
        }
        Step::Vanish(_) => {}
        Step::One(n, except) => {
            let to = model.groups.get(NAMES[*n]).cloned().unwrap_or_default();
            let (text, count) = model.mean(&to, *except);
            assert_eq!(hall.say(&[NAMES[*n]], *except, &text).total(), count);
        }
        Step::Several(n, except) => {
            let names: Vec<&str> = n.iter().map(|n| NAMES[*n]).collect();
            let to = names.iter().filter_map(|name| model.groups.get(name)).flatten().copied().collect();
            let (text, count) = model.mean(&to, *except);
            assert_eq!(hall.say(&names, *except, &text).total(), count);
        }
        Step::Members(except) => {
            let (text, count) = model.mean(&model.members(), *except);
            assert_eq!(hall.say_to(To::Members, *except, &text).total(), count);
        }
        Step::Everyone(except) => {
            let (text, count) = model.mean(&model.open.clone(), *except);
            let sent = hall.say_to(To::Everyone, *except, &text);
            // Those that are being closed are there still, and get nothing.
            assert!(sent.total() >= count);
        }
        Step::Direct(m) => {
            let to = if model.open.contains(m) { BTreeSet::from([*m]) } else { BTreeSet::new() };
            let (text, _) = model.mean(&to, None);
            let conn = hall.conns[*m];
            hall.act(move |groups, cx| groups.send(cx, conn, &text_message(&text)));
        }
        Step::Read(m, most) => drop(hall.read(*m, *most)),
        Step::Pass(ms) => hall.pass(Duration::from_millis(*ms)),
    }
}

fn compare(hall: &Hall, model: &Model) {
    let groups: Vec<_> = model.groups.iter().map(|(name, members)| (*name, members.len())).collect();
    assert_eq!(hall.groups().groups().collect::<Vec<_>>(), groups);
    for (name, members) in &model.groups {
        let conns: Vec<_> = members.iter().map(|m| hall.conns[*m]).collect();
        assert_eq!(hall.groups().members_of(name).collect::<Vec<_>>(), conns);
    }
    let stats = hall.groups().stats();
    assert_eq!((stats.groups, stats.members), (groups.len(), model.members().len()));
    assert_eq!(stats.subscriptions, groups.iter().map(|(_, members)| members).sum::<usize>());
    let (mut messages, mut bytes) = (0, 0);
    for (_, stats) in hall.groups().slow() {
        assert!(stats.behind <= 4 && stats.behind_bytes <= 100, "{stats:?}");
        messages += stats.behind;
        bytes += stats.behind_bytes;
    }
    assert_eq!((stats.behind_messages, stats.behind_bytes), (messages, bytes));
}

/// A member reads to the end: what it got is what it was to get, in that order, each once, but for what is counted.
fn judge(hall: &mut Hall, model: &Model, policy: SlowPolicy, member: usize) {
    let meant = &model.meant[member];
    let is_open = model.open.contains(&member);
    while is_open && hall.read(member, 1000) {}
    let got: Vec<&str> = hall.read[member].split_inclusive('\n').collect();
    let got: Vec<&str> = got.iter().filter_map(|line| line.strip_suffix('\n')).collect();
    let mut rest = meant.iter();
    assert!(got.iter().all(|line| rest.any(|text| text == line)), "{got:?} of {meant:?}");
    if member == 0 {
        assert_eq!(got.len(), meant.len(), "who keeps up misses nothing");
    }
    if is_open {
        let stats = hall.groups().member(hall.conns[member]).unwrap_or_default();
        assert_eq!((stats.behind, stats.unsent, stats.unsendable), (0, 0, 0));
        assert_eq!(got.len() as u64 + stats.dropped, meant.len() as u64);
        if !matches!(policy, SlowPolicy::DropNewest | SlowPolicy::DropOldest) {
            assert_eq!(stats.dropped, 0);
        }
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_doubled_or_reordered(
        policy in policy(),
        steps in proptest::collection::vec(step(), 0..120),
    ) {
        run(policy, &steps);
    }
}
