//! What a server that configures pods itself has left in one: it does not say, so the kernel is asked, once.

use std::collections::BTreeSet;

use cni::Error;
use linux::{NextHop, Origin, Route, Survey};

use crate::error;
use crate::node::Sandbox;
use crate::record::attachment::Record;
use crate::record::plumbing::{ITSELF, Plumbing};

/// Notes what the interfaces of the record have in the pod. Their settings are there already: each link tells its own.
///
/// # Errors
/// 5 when the kernel does not tell addresses.
pub(crate) fn run(sandbox: &Sandbox, record: &mut Record) -> Result<(), Error> {
    let mut devices = record.devices.iter_mut().filter(|held| held.inside.is_some()).peekable();
    if devices.peek().is_none() {
        return Ok(());
    }
    let survey = sandbox.links.survey();
    for held in devices {
        let Some(inside) = &mut held.inside else { continue };
        match &survey {
            Ok(survey) => {
                inside.addressed = survey.addresses.iter().any(|(link, _)| *link == inside.index);
                let sysctls = held.plumbing.take().unwrap_or_default().sysctls;
                held.plumbing = Some(Plumbing { sysctls, ..of(survey, inside.index) });
            }
            Err(failure) => {
                log::warn!(
                    "VF {}: what it has in the pod is not noted, for the day it is lost: {failure}",
                    held.id
                );
                held.plumbing = None;
                inside.addressed = !sandbox.links.addresses(inside.index).map_err(error::netlink)?.is_empty();
            }
        }
    }
    Ok(())
}

/// What somebody has given the link of this index; the rest the kernel makes of that.
fn of(survey: &Survey, index: u32) -> Plumbing {
    let given = survey.addresses.iter().filter(|(link, it)| *link == index && it.permanent);
    let addresses = given.map(|(_, it)| it.address).filter(|address| !is_link_local(address.ip())).collect();
    let routes: Vec<Route> = survey
        .routes
        .iter()
        .filter(|route| route.is_over(index) && route.origin == Origin::Given)
        .map(|route| over_itself(route, index))
        .collect();
    let tables: BTreeSet<u32> = routes.iter().filter_map(|route| route.table).collect();
    let rules = survey.rules.iter().filter(|rule| tables.contains(&rule.table)).copied().collect();
    Plumbing { addresses, routes, rules, ..Plumbing::default() }
}

fn over_itself(route: &Route, index: u32) -> Route {
    let known = |link: u32| if link == index { ITSELF } else { link };
    let nexthops = route.nexthops.iter().map(|hop| NextHop { index: known(hop.index), ..*hop }).collect();
    Route { index: ITSELF, nexthops, ..route.clone() }
}

fn is_link_local(address: std::net::IpAddr) -> bool {
    matches!(address, std::net::IpAddr::V6(address) if address.is_unicast_link_local())
}
