//! The keys of a configuration that are ours or the server's. `scripts/deploy` reads this file too: nothing but names
//! belongs here.

/// Ours alone: they are not forwarded to the server.
pub(crate) const OWN: [&str; 7] = [
    "socket",
    "stateDir",
    "podResourcesSocket",
    "resourceName",
    "draDrivers",
    "physicalFunctions",
    "timeoutSeconds",
];

/// Those of ovn-kubernetes (`go-controller/pkg/cni/types/types.go: NetConf`, August 2026; the last one is a setting of
/// ovnkube-node's that we share). They go on to the server like any other.
pub(crate) const OVN_KUBERNETES: [&str; 22] = [
    "role",
    "topology",
    "netAttachDefName",
    "mtu",
    "subnets",
    "excludeSubnets",
    "reservedSubnets",
    "infrastructureSubnets",
    "joinSubnet",
    "transitSubnet",
    "defaultGatewayIPs",
    "vlanID",
    "allowPersistentIPs",
    "physicalNetworkName",
    "transport",
    "outboundSNAT",
    "evpn",
    "uplink",
    "logfile-maxsize",
    "logfile-maxbackups",
    "logfile-maxage",
    "cniRequestTimeout",
];
