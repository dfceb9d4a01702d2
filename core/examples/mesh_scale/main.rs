//! A hundred nodes and a million people on the pure mesh, under virtual time: what goes between the nodes while they start, rest and talk,
//! while one dies, and after the network between them was away; how long it takes until all agree on who is where; and the memory of it.
//!
//! `core/examples/mesh_scale.sh`, which builds it, or `mesh_scale small`: five nodes and a thousand people. A number behind that
//! is `Config::max_pages`.

mod network;
mod phases;
mod population;
#[cfg(test)]
mod tests;
mod world;

use core::time::Duration;
use network::{Count, KINDS};
use phases::Phase;
use population::Plan;
use wharf::service::mesh::Config;
use world::World;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mut config = Config::default();
    let is_pages = |text: &String| text.parse().map(|pages| config.max_pages = pages).is_ok();
    let plan = match args.first().map(String::as_str) {
        None | Some("large") => Some(Plan::LARGE),
        Some("small") => Some(Plan::SMALL),
        Some(_) => None,
    };
    let Some(plan) = plan.filter(|_| args.len() < 3 && args.get(1).is_none_or(is_pages)) else {
        eprintln!("usage: mesh_scale [large | small] [PAGES OF A BEAT]");
        std::process::exit(2);
    };
    simulate(&plan, config);
}

fn simulate(plan: &Plan, config: Config) {
    let (nodes, people) = (plan.nodes, plan.people());
    let empty = resident();
    let mut world = World::new(plan, config, 1);
    let (rooms, pages) = (world.population.subjects.len(), config.max_pages);
    println!("{nodes} nodes, {people} people in {rooms} rooms, {pages} pages a beat at most");
    println!("\n| phase | virtual time | all agree after | of one node's time |");
    let began = std::time::Instant::now();
    let mut phases: Vec<(Phase, Duration)> = Vec::new();
    let mut run = |phase: &mut dyn FnMut(&mut World) -> Phase, world: &mut World| {
        let began = std::time::Instant::now();
        let phase = phase(world);
        let took = began.elapsed();
        told(&phase, took, nodes);
        phases.push((phase, took));
    };
    println!("|---|--:|--:|--:|");
    run(&mut |world| phases::start(world), &mut world);
    run(&mut |world| phases::rest(world), &mut world);
    let grown = resident().saturating_sub(empty);
    let (members, subjects) = world.known();
    run(&mut |world| phases::talk(plan, world), &mut world);
    run(&mut |world| phases::death(world), &mut world);
    run(&mut |world| phases::outage(plan, world), &mut world);
    println!("\nA node hears {subjects} subjects and knows {members} members of others.");
    if let Some(each) = (grown / nodes).checked_div(members) {
        println!(
            "All of it, simulation included, has {} MiB a node: {each} B a member known.",
            (grown / nodes) >> 20
        );
    }
    for (phase, _) in &phases {
        traffic(phase, nodes);
    }
    println!("\nSimulated in {:.1} s.", began.elapsed().as_secs_f64());
}

/// One line of the table of phases.
fn told(phase: &Phase, took: Duration, nodes: usize) {
    let agreed = phase.agreed.map_or("never".into(), |after| format!("{:.1} s", after.as_secs_f64()));
    let share = took.as_secs_f64() / nodes as f64 / phase.took.as_secs_f64() * 100.0;
    println!("| {} | {:.1} s | {agreed} | {share:.1} % |", phase.name, phase.took.as_secs_f64());
}

/// What went between the nodes in a phase.
fn traffic(phase: &Phase, nodes: usize) {
    let traffic = &phase.traffic;
    println!("\n{}, a node and a second:\n", phase.name);
    println!("| | frames out | bytes out | frames in | bytes in |");
    println!("|---|--:|--:|--:|--:|");
    let seconds = phase.took.as_secs_f64() * nodes as f64;
    let mean = |number: u64| number as f64 / seconds;
    for (kind, (out, into)) in KINDS.iter().zip(traffic.out.iter().zip(&traffic.into)) {
        if out.frames > 0 {
            let [a, b, c, d] = [out.frames, out.bytes, into.frames, into.bytes].map(mean);
            println!("| {kind} | {a:.1} | {b:.0} | {c:.1} | {d:.0} |");
        }
    }
    let [out, into] = traffic.most;
    println!("| the most of one node in one second | | {out} | | {into} |");
    let all = |counts: &[Count]| counts.iter().map(|count| count.bytes).sum::<u64>() as f64;
    let whole = all(&traffic.into) / phase.took.as_secs_f64() / 1e6;
    println!(
        "\nOut of the server between them {whole:.1} MB/s, {:.1} MB in the busiest second.",
        traffic.most_of_all as f64 / 1e6
    );
    if phase.owed > 0 {
        let (owed, people) = (phase.owed, phase.deliveries);
        println!(
            "{owed} messages were to be told to nodes, {people} to people; {} were told to nodes.",
            phase.told.messages
        );
    }
    if phase.told.missed > 0 || phase.told.lost_nodes > 0 {
        println!("{} messages missed, nodes lost {} times.", phase.told.missed, phase.told.lost_nodes);
    }
}

/// Bytes of this process that are in memory; 0 where that is not told.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}
