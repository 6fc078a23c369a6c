//! What must hold of every VF, whatever has happened.

use std::iter;

use anyhow::{Result, ensure};
use linux::Link;

use super::census::{Census, ObservedVf, Place};
use super::records::{Home, Record, Records, Stage};
use node::Namespace;

/// A VF to be judged.
pub(super) struct Case<'a> {
    /// Where it is.
    pub(super) seen: &'a ObservedVf,
    /// How it was before any plugin was run.
    pub(super) home: &'a ObservedVf,
    /// The record that has claimed it.
    pub(super) record: Option<&'a Record>,
    /// What that record says of it, or one that expects it.
    pub(super) recorded: Option<&'a Home>,
    /// Whether the server may move it for an ADD that it has not answered.
    pub(super) is_expected: bool,
    /// Whether that is about another function, which was at its address before.
    pub(super) lost: bool,
    /// The host and its links.
    pub(super) census: &'a Census,
    /// The namespaces that [`Place::Pod`] counts.
    pub(super) pods: &'a [&'a Namespace],
}

impl Case<'_> {
    /// A call has been killed just now: the VF is as it was, or its record says how to make it so again.
    pub(super) fn interrupted(&self) -> Result<()> {
        self.recorded_truly()?;
        let untouched = self.seen.place == Place::Host && self.differs().is_none();
        let known = self.record.is_some() || self.is_expected;
        ensure!(untouched || known, "it is not as it was, and no record says so");
        Ok(())
    }

    /// No call is under way and the last one has succeeded: the VF is at home as it was; or at home under another name
    /// while its own is taken, its record kept; or in the one namespace that its record names.
    pub(super) fn settled(&self) -> Result<()> {
        self.recorded_truly()?;
        match (self.seen.place, self.record) {
            (Place::Pod(_), None) => anyhow::bail!("it is in a pod, and no record says so"),
            (Place::Pod(number), Some(record)) => {
                let pod = self.pods[number];
                let here = record.netns_id.is(&pod.netns().id()) && record.netns == pod.path();
                ensure!(
                    here,
                    "it is in {}, its record says {}",
                    pod.path().display(),
                    record.netns.display()
                );
                ensure!(record.stage != Stage::Released, "it is in a pod that is done with it");
                Ok(())
            }
            (Place::Host, None) => match self.differs() {
                None => Ok(()),
                Some(what) => anyhow::bail!("it is at home, but {what}"),
            },
            (Place::Host, Some(_)) if self.lost => match self.differs() {
                None => Ok(()),
                Some(what) => anyhow::bail!("its pod has never had it, but {what}"),
            },
            (Place::Host, Some(record)) => self.waits(record),
        }
    }

    /// At home, with a record.
    fn waits(&self, record: &Record) -> Result<()> {
        let (seen, home) = (&self.seen.link, &self.home.link);
        let names = |link: &Link| iter::once(&link.name).chain(&link.altnames).cloned().collect::<Vec<_>>();
        let lacking: Vec<_> = names(home).into_iter().filter(|name| !names(seen).contains(name)).collect();
        let altnames = seen.altnames.iter().chain(&lacking).filter(|name| **name != home.name);
        let named = Link { name: home.name.clone(), altnames: altnames.cloned().collect(), ..seen.clone() };
        if let Some(what) = differs(&ObservedVf { link: named, ..self.seen.clone() }, self.home) {
            anyhow::bail!("it waits at home, but {what}");
        }
        let late = record.server_may_act()? || record.stage == Stage::Claimed;
        ensure!(late || !lacking.is_empty(), "it is at home, and yet its record is kept: {record:?}");
        let others = self.census.host.iter().filter(|link| link.index != seen.index);
        let others: Vec<_> = others.flat_map(names).collect();
        for name in lacking {
            ensure!(others.contains(&name), "it is called {} while nobody has {name}", seen.name);
        }
        Ok(())
    }

    /// Whatever a record says of its home is true: what it was before anything was done to it.
    fn recorded_truly(&self) -> Result<()> {
        let Some(recorded) = self.recorded else { return Ok(()) };
        let home = &self.home.link;
        // Their order is the kernel's.
        let sorted = |mut names: Vec<String>| {
            names.sort();
            names
        };
        let recorded = Home { altnames: sorted(recorded.altnames.clone()), ..recorded.clone() };
        let truth = Home {
            name: home.name.clone(),
            mac: home.mac,
            mtu: home.mtu,
            altnames: sorted(home.altnames.clone()),
            alias: home.alias.clone(),
            promiscuous: home.promiscuous,
            allmulti: home.allmulti,
            settings: Some(home.settings.clone()),
            // Where the kernel did not tell them it does not either.
            features: recorded.features.as_ref().and(self.home.features.clone()),
        };
        ensure!(recorded == truth, "its record is wrong: {recorded:?} instead of {truth:?}");
        Ok(())
    }

    fn differs(&self) -> Option<String> {
        differs(self.seen, self.home)
    }
}

/// The first thing in which a VF is not what it was, in words. Its index may be another one.
fn differs(seen: &ObservedVf, was: &ObservedVf) -> Option<String> {
    let (link, home) = (&seen.link, &was.link);
    let (mut names, mut own) = (link.altnames.clone(), home.altnames.clone());
    names.sort();
    own.sort();
    let compared = [
        ("name", link.name.clone(), home.name.clone()),
        ("MAC", format!("{:?}", link.mac), format!("{:?}", home.mac)),
        ("MTU", link.mtu.to_string(), home.mtu.to_string()),
        ("other names", format!("{names:?}"), format!("{own:?}")),
        ("alias", format!("{:?}", link.alias), format!("{:?}", home.alias)),
        ("promiscuity", link.promiscuous.to_string(), home.promiscuous.to_string()),
        ("multicast", link.allmulti.to_string(), home.allmulti.to_string()),
        ("state up", link.up.to_string(), home.up.to_string()),
        ("settings", format!("{:?}", link.settings), format!("{:?}", home.settings)),
        ("XDP program", format!("{:?}", link.xdp), format!("{:?}", home.xdp)),
        ("features", format!("{:?}", seen.features), format!("{:?}", was.features)),
    ];
    let (what, is, was) = compared.into_iter().find(|(_, is, was)| is != was)?;
    Some(format!("its {what} is {is} instead of {was}"))
}

/// Nothing is left of any attachment, and what else the host has is as it was.
pub(super) fn clean(records: &Records, census: &Census, others: &[Link]) -> Result<()> {
    ensure!(records.is_empty(), "left in the state directory: {records:?}");
    let found = census.host_others();
    ensure!(found == others, "the host's other links are {found:?} instead of {others:?}");
    Ok(())
}
