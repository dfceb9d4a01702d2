//! People, the rooms that they are in, and the nodes that they are connected to.

use wharf::base::Entropy;
use wharf::service::mesh::Subject;

/// So many rooms of so many people.
pub(crate) struct Rooms(pub(crate) u32, pub(crate) u32);

/// What is simulated.
pub(crate) struct Plan {
    pub(crate) nodes: usize,
    pub(crate) rooms: &'static [Rooms],
    /// How many people a second say something while people talk.
    pub(crate) rate: u32,
    /// How many people move from one node to another while the network is away.
    pub(crate) movers: u32,
}

impl Plan {
    /// A hundred nodes and a million people.
    pub(crate) const LARGE: Self = Self {
        nodes: 100,
        rooms: &[Rooms(1, 100_000), Rooms(50, 1000), Rooms(200, 100), Rooms(10_000, 30), Rooms(53_000, 10)],
        rate: 1000,
        movers: 10_000,
    };
    /// Five nodes and a thousand people.
    pub(crate) const SMALL: Self =
        Self { nodes: 5, rooms: &[Rooms(1, 100), Rooms(5, 20), Rooms(80, 10)], rate: 100, movers: 20 };

    pub(crate) fn people(&self) -> usize {
        self.rooms.iter().map(|Rooms(count, size)| *count as usize * *size as usize).sum()
    }
}

/// One person, who is in one room.
#[derive(Clone, Copy)]
pub(crate) struct Person {
    pub(crate) room: usize,
    pub(crate) node: usize,
}

/// Nodes of one region.
const REGION: usize = 10;
/// Most people of a room that is one of a region; larger ones are everybody's.
const REGIONAL: u32 = 30;

/// All of them.
pub(crate) struct Population {
    pub(crate) people: Vec<Person>,
    pub(crate) subjects: Vec<Subject>,
    pub(crate) sizes: Vec<u32>,
    nodes: usize,
}

impl Population {
    /// People are connected to any node of their region: a load balancer knows nothing of rooms.
    pub(crate) fn new(plan: &Plan, entropy: &mut Entropy) -> Self {
        let mut new = Self {
            people: Vec::with_capacity(plan.people()),
            subjects: Vec::new(),
            sizes: Vec::new(),
            nodes: plan.nodes,
        };
        for Rooms(count, size) in plan.rooms {
            for _ in 0..*count {
                let room = new.subjects.len();
                new.subjects.push(Subject::group(&format!("room{room:012}")).expect("a token"));
                new.sizes.push(*size);
                for _ in 0..*size {
                    let node = new.near(room, entropy);
                    new.people.push(Person { room, node });
                }
            }
        }
        new
    }

    /// A node to which someone in that room connects.
    pub(crate) fn near(&self, room: usize, entropy: &mut Entropy) -> usize {
        if self.sizes[room] > REGIONAL || self.nodes <= REGION {
            return below(entropy, self.nodes);
        }
        room % (self.nodes / REGION) * REGION + below(entropy, REGION)
    }
}

/// A number below `end`.
pub(crate) fn below(entropy: &mut Entropy, end: usize) -> usize {
    (entropy.next_u64() % end as u64) as usize
}

/// What a person is called on the mesh: 32 characters, as ids of users have.
pub(crate) fn name(person: usize) -> String {
    format!("{person:08x}{:024x}", mixed(person as u64))
}

/// Who is called so.
pub(crate) fn person(name: &str) -> usize {
    usize::from_str_radix(&name[..8], 16).expect("a name made above")
}

/// What is told about a person.
pub(crate) fn about(person: usize) -> String {
    format!("{{\"name\":\"User_{person:08x}\"}}")
}

/// That a person is connected to a node, as a number: sums of them are equal if the same people are at the same nodes.
pub(crate) fn placed(person: usize, node: usize) -> u64 {
    mixed((person as u64) << 16 | node as u64)
}

/// SplitMix64's last step.
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
