//! Pairs against what is said of them already.

use std::collections::{BTreeMap, BTreeSet};

use super::claims::Claims;
use super::odd::{Kind, Oddity};
use super::pair::Pair;

/// Notes who says the same, and names who says something else.
pub(super) fn check(pairs: &mut [Pair<'_>], claims: &Claims, odd: &mut Vec<Oddity>) {
    let mut hosts: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for pair in pairs.iter() {
        hosts.entry(&pair.card.name).or_default().push(&pair.host.name);
    }
    let mut unclear = BTreeSet::new();
    for (card, hosts) in hosts {
        let names: Vec<String> = hosts.iter().map(ToString::to_string).collect();
        for claim in claims.about(card.as_str()).iter().filter(|claim| !names.contains(&claim.host)) {
            let why =
                format!("{card} is in {}, but {} names {}", names.join(" and "), claim.place, claim.host);
            let remedy = if names.iter().any(|name| is_of_one_machine(name, &claim.host)) {
                unclear.insert(card.clone());
                "only one of the two is the node's name: make its inventory with --node".to_owned()
            } else {
                format!("mend it, see --as {}", claim.source.form())
            };
            let contradicted = Oddity::new(Kind::Contradicted, why, remedy);
            odd.push(contradicted.hosts(hosts.iter().copied()).cards([card]));
        }
    }
    for pair in pairs {
        let claims = claims.about(pair.card.name.as_str()).iter();
        let same = claims.filter(|claim| claim.host == pair.host.name.as_str());
        pair.named_by = same.map(|claim| claim.source).collect();
        pair.named_by.sort_unstable();
        pair.named_by.dedup();
        pair.is_sure &= !unclear.contains(&pair.card.name);
    }
}

/// With its domain and without.
fn is_of_one_machine(a: &str, b: &str) -> bool {
    let short = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    short(a) == short(b) && (short(a) == a || short(b) == b)
}
