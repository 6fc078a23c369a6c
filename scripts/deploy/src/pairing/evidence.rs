//! Pairs against what is said of them already.

use std::collections::BTreeMap;

use super::claims::Claims;
use super::join::Pair;
use super::odd::{Kind, Oddity};

/// Notes who says the same, and names who says something else.
pub(super) fn check(pairs: &mut [Pair<'_>], claims: &Claims, odd: &mut Vec<Oddity>) {
    let mut hosts: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for pair in pairs.iter() {
        hosts.entry(&pair.card.name).or_default().push(&pair.host.name);
    }
    for (card, hosts) in hosts {
        let names: Vec<String> = hosts.iter().map(ToString::to_string).collect();
        for claim in claims.about(card.as_str()).iter().filter(|claim| !names.contains(&claim.host)) {
            let why =
                format!("{card} is in {}, but {} names {}", names.join(" and "), claim.place, claim.host);
            let remedy = format!("mend it, see --as {}", form(claim.by));
            let odd_one = Oddity::new(Kind::Contradicted, why, remedy);
            odd.push(odd_one.hosts(hosts.iter().copied()).cards([card]));
        }
    }
    for pair in pairs {
        let same = claims
            .about(pair.card.name.as_str())
            .iter()
            .filter(|claim| claim.host == pair.host.name.as_str());
        pair.named_by = same.map(|claim| claim.by).collect();
        pair.named_by.dedup();
    }
}

/// What prints what mends it.
fn form(by: &str) -> &'static str {
    match by {
        "label" => "dpf",
        "env-overrides" => "env-overrides",
        _ => "ovs",
    }
}
