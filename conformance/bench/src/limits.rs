//! What is to be reached, and whether it is.

use std::fmt;

use serde::Serialize;

use super::curve::{Curve, Point};
use super::group::Measured;
use super::growth;
use super::size::Size;
use super::stats::{Length, Ratio, Summary};
use super::subject::{Field, Subject};
use super::{attach, idle, kubelet, recovery, verbs, waits};

/// One limit and what was measured of it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Verdict {
    /// What is limited, `a / b` for a ratio of medians of wall time.
    pub(super) what: String,
    /// The most it may be.
    pub(super) at_most: f64,
    /// What it is, if that could be measured.
    pub(super) measured: Option<Figure>,
}

/// A measured figure.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Figure {
    /// How many times one is the other.
    Times(Ratio),
    /// How long.
    Lasts(Length),
    /// The same without a spread: of memory.
    Plainly(f64),
    /// A size.
    Kib(f64),
}

impl Verdict {
    /// Whether the limit is kept; `None` when it was not measured.
    pub(super) fn met(&self) -> Option<bool> {
        self.measured.map(|figure| figure.value() <= self.at_most)
    }
}

impl Figure {
    fn value(&self) -> f64 {
        match self {
            Figure::Times(ratio) => ratio.of_medians,
            Figure::Lasts(length) => length.ms,
            Figure::Plainly(value) | Figure::Kib(value) => *value,
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Figure::Times(Ratio { of_medians, low, high }) => {
                write!(f, "{of_medians:.3} ({low:.3} - {high:.3})")
            }
            Figure::Lasts(Length { ms, low, high }) => write!(f, "{ms:.3} ms ({low:.3} - {high:.3})"),
            Figure::Plainly(value) => write!(f, "{value:.2}"),
            Figure::Kib(value) => write!(f, "{value:.0} KiB"),
        }
    }
}

/// What was found out, to be judged.
pub(super) struct Findings<'f> {
    /// Who took part.
    pub(super) field: &'f Field,
    /// Every group's measurements.
    pub(super) measured: &'f [Measured],
    /// How cost grows.
    pub(super) curves: &'f [Curve],
    /// Sizes by name.
    pub(super) sizes: &'f [(String, Size)],
}

impl Findings<'_> {
    /// Every limit.
    pub(super) fn judge(&self) -> Vec<Verdict> {
        [
            self.placeholder(),
            self.start(),
            self.attaching(),
            self.waiting(),
            self.listed(),
            self.recovering(),
            self.at_once(),
            self.size(),
        ]
        .concat()
    }

    fn placeholder(&self) -> Vec<Verdict> {
        let ours = &self.field.placeholder.name;
        let mut verdicts = Vec::new();
        for (group, verb) in [("VERSION", "VERSION"), ("STATUS", "STATUS"), (verbs::REFUSAL, "ADD")] {
            let one = |name: &str| self.walls(group, &[verb], name);
            let against = |theirs: &str| Ratio::of(&one(ours)?, &one(theirs)?);
            for baseline in self.limiting() {
                verdicts.push(ratio(
                    format!("{ours} {verb} / {}", baseline.name),
                    1.25,
                    against(&baseline.name),
                ));
            }
            let fastest = self.fastest_peer(group, verb);
            let (name, times) =
                fastest.map_or(("plugin in Go", None), |peer| (peer.name.as_str(), against(&peer.name)));
            verdicts.push(ratio(format!("{ours} {verb} / {name}"), 0.4, times));
            let memory = fastest.and_then(|peer| {
                let peak = |name: &str| self.of(group, verb, name)?.peak.map(|kib| kib as f64);
                Some(Figure::Plainly(peak(ours)? / peak(&peer.name)?))
            });
            verdicts.push(Verdict {
                what: format!("{ours} {verb} / {name}, peak memory"),
                at_most: 0.6,
                measured: memory,
            });
        }
        verdicts
    }

    fn start(&self) -> Vec<Verdict> {
        let ours = &self.field.dpu_host.name;
        let against = |theirs: &str| {
            Ratio::of(
                &self.walls("VERSION", &["VERSION"], ours)?,
                &self.walls("VERSION", &["VERSION"], theirs)?,
            )
        };
        let mut verdicts: Vec<_> = self
            .limiting()
            .map(|baseline| {
                ratio(format!("{ours} VERSION / {}", baseline.name), 1.4, against(&baseline.name))
            })
            .collect();
        if let Some(overlay) = &self.field.overlay {
            verdicts.push(ratio(
                format!("{ours} VERSION / {}", overlay.name),
                1.0 / 30.0,
                against(&overlay.name),
            ));
        }
        verdicts
    }

    /// The programs that do nothing, but musl's: three system calls tell what a start costs, and are no limit.
    fn limiting(&self) -> impl Iterator<Item = &Subject> {
        self.field.baselines.iter().filter(|baseline| baseline.name.contains("glibc"))
    }

    /// What OpenShift's users wait for, against what they would without this plugin.
    fn waiting(&self) -> Vec<Verdict> {
        let add = |name: &str| self.walls(waits::GROUP, &["ADD"], name);
        let times = add(waits::KNOWN)
            .zip(add(waits::UNKNOWN))
            .and_then(|(known, unknown)| Ratio::of(&known, &unknown));
        let mut verdicts = vec![ratio(format!("{}, ADD / {}", waits::KNOWN, waits::UNKNOWN), 0.3, times)];
        for upstreams in self.measured.iter().filter(|one| one.name.starts_with(waits::UPSTREAMS)) {
            let (verb, name) = (upstreams.verb, &upstreams.name);
            let ours = upstreams.name.replacen(waits::UPSTREAMS, waits::OURS, 1);
            let Some(measured) = self.of(waits::GROUP, verb, &ours) else { continue };
            let at_most = if (verb, ours.as_str()) == ("ADD", waits::KNOWN) { 0.3 } else { 0.5 };
            let times = Ratio::of(&measured.wall, &upstreams.wall);
            verdicts.push(ratio(format!("{ours}, {verb} / {name}"), at_most, times));
            let cpu = Ratio::of(&measured.cpu, &upstreams.cpu);
            verdicts.push(ratio(format!("{ours}, {verb} / {name}, CPU"), 0.1, cpu));
        }
        verdicts
    }

    fn attaching(&self) -> Vec<Verdict> {
        let sum = |name: &str| self.walls(attach::GROUP, &["ADD", "DEL"], name);
        let times = |ours: &str, theirs: &str| Ratio::of(&sum(ours)?, &sum(theirs)?);
        let limit = |ours: &str, theirs: &str, at_most| {
            ratio(format!("{ours}, ADD + DEL / {theirs}"), at_most, times(ours, theirs))
        };
        let mut verdicts = vec![
            limit(attach::SINGLE, attach::BATCH, 1.25),
            limit(attach::SINGLE, attach::REPLAYED, 1.25),
            limit(attach::DUAL, attach::SINGLE, 1.2),
        ];
        let peers = self.measured.iter().filter(|one| one.group == attach::GROUP && one.verb == "ADD");
        for peer in peers.filter(|one| one.name.starts_with("host-device")) {
            // No slower: by 5 % two runs of the same program differ.
            verdicts.push(limit(attach::SINGLE, &peer.name, 1.05));
            let cpu = self.cpus(attach::SINGLE).zip(self.cpus(&peer.name));
            let times = cpu.and_then(|(ours, theirs)| Ratio::of(&ours, &theirs));
            verdicts.push(ratio(format!("{}, ADD + DEL / {}, CPU", attach::SINGLE, peer.name), 0.25, times));
        }
        verdicts
    }

    /// A node whose kubelet's list has outgrown its clients attaches pods as any other.
    fn listed(&self) -> Vec<Verdict> {
        let add = |name: &str| self.walls(kubelet::GROUP, &["ADD"], name);
        let times =
            add(kubelet::LONG).zip(add(kubelet::SHORT)).and_then(|(long, short)| Ratio::of(&long, &short));
        vec![ratio(format!("{}, ADD / {}", kubelet::LONG, kubelet::SHORT), 1.05, times)]
    }

    /// Pods whose card was reset, and calls that find none.
    fn recovering(&self) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        if let (Some([first, .., last]), Some([.., kernel])) =
            (self.points(recovery::RESTORED), self.points(recovery::KERNEL))
        {
            verdicts.push(Verdict {
                what: format!("network of {} pod back after a reset of its card, in ms", first.count),
                at_most: 1000.0,
                measured: Length::of(&first.wall).map(Figure::Lasts),
            });
            let allowed: Vec<f64> = kernel.wall.iter().map(|ms| 1.3 * ms + 500.0).collect();
            let what = format!("that of {} pods / (1.3 x kernel alone, in turn, + 500 ms)", last.count);
            verdicts.push(ratio(what, 1.0, Ratio::of(&last.wall, &allowed)));
        }
        let del = |name: &str| self.walls(idle::GROUP, &["DEL"], name);
        let more = del(idle::LOOKED_AFTER).zip(del(idle::NOTHING_TO_LOSE));
        verdicts.push(Verdict {
            what: "looking whether 8 pods have lost their VFs, where none has, in ms".to_owned(),
            at_most: 0.2,
            measured: more.and_then(|(with, without)| Length::between(&with, &without)).map(Figure::Lasts),
        });
        verdicts
    }

    fn points(&self, name: &str) -> Option<&[Point]> {
        self.curves.iter().find(|curve| curve.name == name).map(|curve| curve.points.as_slice())
    }

    fn at_once(&self) -> Vec<Verdict> {
        let points = |name| self.points(name);
        let mut verdicts = Vec::new();
        for (verb, ours, kernel) in
            [("ADD", growth::ADDS, growth::KERNEL_ADDS), ("DEL", growth::DELS, growth::KERNEL_DELS)]
        {
            let (Some([.., ours]), Some([.., kernel])) = (points(ours), points(kernel)) else { continue };
            let what = format!("{verb} of {} pods at once / kernel alone, in turn", ours.count);
            verdicts.push(ratio(what, 1.2, Ratio::of(&ours.wall, &kernel.wall)));
        }
        if let Some([first, .., last]) = points(growth::ADDS) {
            let flat =
                first.peak.zip(last.peak).map(|(first, last)| Figure::Plainly(last as f64 / first as f64));
            let what = format!("peak memory of an ADD with {} pods / {}", last.count, first.count);
            verdicts.push(Verdict { what, at_most: 1.1, measured: flat });
        }
        verdicts
    }

    fn size(&self) -> Vec<Verdict> {
        let limit = |name: &str, at_most: f64| {
            let size = self.sizes.iter().find(|(one, _)| one == name);
            let measured = size.map(|(_, size)| Figure::Kib(size.gzip as f64 / 1024.0));
            Verdict { what: format!("{name}, stripped, gzip -9, in KiB"), at_most, measured }
        };
        vec![limit(&self.field.placeholder.name, 200.0), limit(&self.field.dpu_host.name, 640.0)]
    }

    fn of(&self, group: &str, verb: &str, name: &str) -> Option<&Measured> {
        self.measured.iter().find(|one| (one.group, one.verb, one.name.as_str()) == (group, verb, name))
    }

    /// Each round's wall time of these verbs together.
    fn walls(&self, group: &str, verbs: &[&str], name: &str) -> Option<Vec<f64>> {
        let all = verbs.iter().map(|verb| self.of(group, verb, name)).collect::<Option<Vec<_>>>()?;
        let rounds = all.iter().map(|one| one.wall.len()).min()?;
        Some((0..rounds).map(|round| all.iter().map(|one| one.wall[round]).sum()).collect())
    }

    /// Each round's CPU time of a pod's ADD and DEL together.
    fn cpus(&self, name: &str) -> Option<Vec<f64>> {
        let (add, del) = (self.of(attach::GROUP, "ADD", name)?, self.of(attach::GROUP, "DEL", name)?);
        Some(add.cpu.iter().zip(&del.cpu).map(|(add, del)| add + del).collect())
    }

    fn fastest_peer(&self, group: &str, verb: &str) -> Option<&Measured> {
        let peers = self.field.peers.iter().filter_map(|peer| self.of(group, verb, &peer.subject.name));
        peers.min_by(|a, b| Summary::of(&a.wall).median.total_cmp(&Summary::of(&b.wall).median))
    }
}

fn ratio(what: String, at_most: f64, times: Option<Ratio>) -> Verdict {
    Verdict { what, at_most, measured: times.map(Figure::Times) }
}
