//! A VF between its home and a pod: the move in, the way home.

use cni::Error;
use linux::{Link, LinkChange, Mac, Netlink, Netns};

use super::place::{at_home, in_pod, on_host};
use super::{naming, traces, vfio};
use crate::device::DeviceId;
use crate::error;
use crate::node::{Node, Sandbox};
use crate::record::attachment::{Held, Home, Inside};

/// What a pod wants of its VF.
pub(crate) struct Wanted<'a> {
    /// Its interface name there.
    pub(crate) ifname: &'a str,
    /// Its address; its own when `None`.
    pub(crate) mac: Option<Mac>,
    /// Its MTU in bytes; its own when 0.
    pub(crate) mtu: u32,
}

/// How a homecoming ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Homecoming {
    /// As its record found it.
    Home,
    /// At home, down, while another link has its name, or one of its other names.
    Nameless,
    /// Nowhere to be seen: unplugged, re-created, or in a namespace that nobody told us of.
    Gone,
}

/// Moves a VF into a pod, named, addressed and down, in one request.
///
/// # Errors
/// 107 when the kernel refuses; the VF may be on either side then, and half of it done. 11 when it is not on the host any
/// more.
pub(crate) fn move_in(node: &Node, held: &Held, sandbox: &Sandbox, wanted: &Wanted) -> Result<Inside, Error> {
    let vanished = || {
        error::again(
            format!("VF {} vanished from the host while it was being set up", held.id),
            "this is tried again by the container runtime; if it persists see the kernel log",
        )
    };
    let refused = |error: linux::Error| {
        if error.is_gone() {
            return vanished();
        }
        let no_address = error.is_no_address();
        let error = error::kernel(&held.id, format!("moving it into the pod as {}", wanted.ifname), error);
        if no_address { error.details(error::PF_KEEPS_MAC) } else { error }
    };
    let home = held
        .home
        .as_ref()
        .ok_or_else(|| error::bad_device(&held.id, "has no network device", "bind its driver"))?;
    // The server may have been awaited for minutes: its index can be another link's by now.
    let link = at_home(node, held)?.ok_or_else(vanished)?;
    let index = link.index;
    let change = LinkChange {
        netns: Some(&sandbox.netns),
        name: Some(wanted.ifname),
        mac: wanted.mac.filter(|mac| link.mac != Some(*mac)),
        mtu: (wanted.mtu != 0 && wanted.mtu != link.mtu).then_some(wanted.mtu),
        up: Some(false),
        ..LinkChange::default()
    };
    let links = node.links()?;
    // The pod will call it so: as another name of its own it would be taken.
    if home.altnames.iter().any(|altname| altname == wanted.ifname) {
        links.del_altname(index, wanted.ifname).map_err(refused)?;
    }
    match links.change(index, &change) {
        // The pod has a link with one of its other names, which it is then without; at home it gets them back.
        Err(error) if error.is_exists() => {
            let link = links.link_at(index).map_err(refused)?;
            let altnames = link.map(|link| link.altnames).filter(|names| !names.is_empty());
            for altname in altnames.ok_or(error).map_err(refused)? {
                links.del_altname(index, &altname).map_err(refused)?;
            }
            links.change(index, &change)
        }
        done => done,
    }
    .or_else(|error| awaken(sandbox, held, &change, error))
    .map_err(refused)?;
    // Its index may be another one there, and a driver may take an address without using it.
    let link = sandbox.links.link(wanted.ifname).map_err(refused)?;
    let link = link.ok_or_else(|| error::kernel(&held.id, "moving it into the pod", "it did not arrive"))?;
    if wanted.mac.is_some_and(|mac| link.mac != Some(mac)) {
        return Err(error::kernel(&held.id, "setting its address", "the driver keeps another one"));
    }
    Ok(Inside { index: link.index, mac: link.mac, mtu: link.mtu, addressed: false })
}

/// The rest of a move that ended at the address.
fn awaken(
    sandbox: &Sandbox,
    held: &Held,
    change: &LinkChange,
    refusal: linux::Error,
) -> Result<(), linux::Error> {
    if !refusal.is_no_address() {
        return Err(refusal);
    }
    let Ok(Some(link)) = in_pod(sandbox, held) else { return Err(refusal) };
    wake(&sandbox.links, link.index)?;
    // It may have come up with the very address.
    let now = sandbox.links.link_at(link.index)?.and_then(|link| link.mac);
    let rest = LinkChange { netns: None, mac: change.mac.filter(|mac| now != Some(*mac)), ..*change };
    sandbox.links.change(link.index, &rest).map_err(|_| refusal)
}

/// After a reset of its PF, and after an address that the PF has set for it, a driver (igbvf) takes no address before the
/// VF has been up and down.
fn wake(links: &Netlink, index: u32) -> Result<(), linux::Error> {
    [true, false]
        .into_iter()
        .try_for_each(|up| links.change(index, &LinkChange { up: Some(up), ..LinkChange::default() }))
}

/// Brings a VF home from wherever it is, as its record found it.
///
/// # Errors
/// 107 when the kernel refuses what another try may mend.
pub(crate) fn bring_home(node: &Node, held: &Held, sandbox: Option<&Sandbox>) -> Result<Homecoming, Error> {
    let Some(home) = &held.home else {
        vfio::restore_address(node, held);
        return Ok(Homecoming::Home);
    };
    let of_another;
    let home = if held.is_recreated(&node.sysfs) {
        let is_inside = sandbox.map(|sandbox| in_pod(sandbox, held)).transpose()?.flatten().is_some();
        if !is_inside {
            // Nothing was done to this function, and what the one before it was is nobody's business any more.
            let found = on_host(node, &held.id)?;
            return Ok(if found.is_some() { Homecoming::Home } else { Homecoming::Gone });
        }
        of_another = Home { mac: None, ..home.clone() };
        &of_another
    } else {
        home
    };
    for last in [false, true] {
        if let Some(sandbox) = sandbox {
            leave_pod(node, held, home, sandbox)?;
        }
        let Some(link) = at_home(node, held)? else { break };
        match settle(node, held, home, &link) {
            // A server that was asked before an ADD was killed moves it into the pod at its own time: perhaps just now.
            Err(error) if !last && at_home(node, held)?.is_none() => log::warn!("{error}: once more"),
            done => return done,
        }
    }
    Ok(Homecoming::Gone)
}

/// Out of the pod, in one request where nothing stands in its way.
fn leave_pod(node: &Node, held: &Held, home: &Home, sandbox: &Sandbox) -> Result<(), Error> {
    let host =
        Netns::own().map_err(|error| error::homeward(&held.id, "opening the host's namespace", error))?;
    let mut name = free_name(node, home)?;
    // The name may be taken between the look and the move, or another name of the link may be in use on the host.
    for last in [false, true] {
        let Some(link) = in_pod(sandbox, held)? else { return Ok(()) };
        // Under a program a link may not take the MTU that it had at home.
        traces::drop_programs(&sandbox.links, held, &link);
        for altname in link.altnames.iter().filter(|altname| last || !home.altnames.contains(altname)) {
            sandbox.links.del_altname(link.index, altname).map_err(error::netlink)?;
        }
        let change = LinkChange { netns: Some(&host), name: Some(&name), ..differing(&link, home) };
        match sandbox.links.change(link.index, &change) {
            Ok(()) => return Ok(()),
            Err(error) if error.is_exists() && !last => name = naming::temporary_name(home.index),
            // Perhaps only the rest of the request failed: what is at home by now is settled there.
            Err(error) if in_pod(sandbox, held)?.is_some() => {
                return Err(error::homeward(&held.id, "moving it home", error));
            }
            Err(error) => log::warn!("VF {}: coming home: {error}", held.id),
        }
    }
    Ok(())
}

/// Gives a VF at home everything back that differs from its record.
fn settle(node: &Node, held: &Held, home: &Home, link: &Link) -> Result<Homecoming, Error> {
    let home = &completed(node, held, home, link);
    let links = node.links()?;
    traces::drop_programs(links, held, link);
    if link.up {
        // Older kernels rename no link that is up, and a driver may take an address only while down.
        let down = LinkChange { up: Some(false), ..LinkChange::default() };
        links
            .change(link.index, &down)
            .map_err(|error| error::homeward(&held.id, "setting it down", error))?;
    }
    restore(links, held, link.index, &differing(link, home))?;
    traces::restore_features(held, home, link.index)?;
    for altname in link.altnames.iter().filter(|altname| !home.altnames.contains(altname)) {
        links.del_altname(link.index, altname).map_err(error::netlink)?;
    }
    let mut homecoming = rename(node, held, home, link)?;
    for altname in home.altnames.iter().filter(|altname| !link.altnames.contains(altname)) {
        if let Err(error) = links.add_altname(link.index, altname) {
            log::warn!("VF {} waits for its other name {altname}: {error}", held.id);
            homecoming = Homecoming::Nameless;
        }
    }
    Ok(homecoming)
}

/// Gives a VF its properties back. An address that its PF forbids is let go, and nothing else with it.
fn restore(links: &Netlink, held: &Held, index: u32, change: &LinkChange<'_>) -> Result<(), Error> {
    if change.is_empty() {
        return Ok(());
    }
    let Err(error) = links.change(index, change) else { return Ok(()) };
    log::warn!("VF {}: giving it its properties back: {error}", held.id);
    let refused = |error: linux::Error| error::homeward(&held.id, "restoring it", error);
    let without_mac = LinkChange { mac: None, ..*change };
    links.change(index, &without_mac).map_err(refused)?;
    let Some(mac) = change.mac else { return Ok(()) };
    if error.is_no_address() {
        wake(links, index).map_err(refused)?;
    }
    match links.change(index, &LinkChange { mac: Some(mac), ..LinkChange::default() }) {
        Err(error) if error.is_forbidden_address() => {
            log::warn!("VF {}: its address {mac} cannot be given back: {error}", held.id);
            Ok(())
        }
        done => done.map_err(refused),
    }
}

/// `home`, with the name that udev would give the VF where nobody noted the one it had: only at home can that be told.
/// Where nobody noted its settings, with such as let packets through.
fn completed(node: &Node, held: &Held, home: &Home, link: &Link) -> Home {
    let mut home = home.clone();
    home.settings.get_or_insert_with(|| link.settings.open());
    if let DeviceId::Pci(address) = &held.id
        && home.name == naming::temporary_name(home.index)
        && let Some(name) = node.sysfs.proper_name(address)
    {
        home.name = name;
    }
    home
}

/// Gives a VF at home its name back, or a unique one until its own is free.
fn rename(node: &Node, held: &Held, home: &Home, link: &Link) -> Result<Homecoming, Error> {
    if link.name == home.name {
        return Ok(Homecoming::Home);
    }
    let waiting = naming::temporary_name(home.index);
    for name in [free_name(node, home)?, waiting.clone()] {
        if name == link.name {
            return Ok(Homecoming::Nameless);
        }
        let change = LinkChange { name: Some(&name), ..LinkChange::default() };
        match node.links()?.change(link.index, &change) {
            Ok(()) if name == home.name => return Ok(Homecoming::Home),
            Ok(()) => {
                log::warn!("VF {} waits as {name}: another link is called {}", held.id, home.name);
                return Ok(Homecoming::Nameless);
            }
            Err(error) if error.is_exists() && name != waiting => {}
            Err(error) => return Err(error::homeward(&held.id, format!("renaming it to {name}"), error)),
        }
    }
    Ok(Homecoming::Nameless)
}

/// What of `link` differs from `home`, its name aside.
fn differing<'a>(link: &Link, home: &'a Home) -> LinkChange<'a> {
    LinkChange {
        mac: home.mac.filter(|mac| link.mac != Some(*mac)),
        mtu: (link.mtu != home.mtu).then_some(home.mtu),
        promiscuous: (link.promiscuous != home.promiscuous).then_some(home.promiscuous),
        allmulti: (link.allmulti != home.allmulti).then_some(home.allmulti),
        settings: home.settings.as_ref().filter(|settings| **settings != link.settings),
        alias: (link.alias != home.alias).then(|| home.alias.as_deref().unwrap_or_default()),
        ..LinkChange::default()
    }
}

/// The VF's own name where nobody has it, else one that nobody can have.
fn free_name(node: &Node, home: &Home) -> Result<String, Error> {
    let taken =
        node.links()?.link(&home.name).map_err(error::netlink)?.is_some_and(|link| link.index != home.index);
    Ok(if taken { naming::temporary_name(home.index) } else { home.name.clone() })
}
