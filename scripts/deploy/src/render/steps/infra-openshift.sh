needs() { :; }

ask_for_vfs() { :; }

# The network operator sets up kube-proxy for nodes in the mode.
serve() { await 600 "kube-proxy on $node" served; }

served() {
  case $(oc get pods -n openshift-kube-proxy --field-selector "spec.nodeName=$node" -o jsonpath='{.items[*].status.phase}') in
    *Running*) ;;
    *) return 1 ;;
  esac
}
