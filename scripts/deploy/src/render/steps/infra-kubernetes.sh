needs() { :; }

ask_for_vfs() { :; }

# Without a pod network nobody else brings Services to a card's pods. A kube-proxy that runs there already is left alone.
serve() {
  served || set_up_kube_proxy
  await 300 "kube-proxy on $node (why not: kubectl -n kube-system describe daemonset kube-proxy-dpu)" served
}

served() {
  case $(kubectl get pods -A -l 'k8s-app in (kube-proxy,kube-proxy-dpu)' --field-selector "spec.nodeName=$node" -o jsonpath='{.items[*].status.phase}') in
    *Running*) ;;
    *) return 1 ;;
  esac
}

# Of the API server's own version, and asking where this command asks: a Service's address is what it is to bring about.
set_up_kube_proxy() {
  version=$(kubectl get --raw /version | sed -n 's/.*"gitVersion": *"\(v[0-9]*\.[0-9]*\.[0-9]*\).*/\1/p')
  server=$(kubectl config view --minify -o 'jsonpath={.clusters[0].cluster.server}')
  address=${server#*://}
  address=${address%%/*}
  port=${address##*:}
  [ "$port" != "$address" ] || port=443
  host=${address%:"$port"}
  host=${host#[}
  host=${host%]}
  case $version,$host in
    ,* | *, | *,127.* | *,localhost) [ "$kube_proxy_given" ] || stop "version ($version) or address ($server) of the API server are none for a node: give kubeProxy.image and kubeProxy.server to render" ;;
  esac
  sed "s/@VERSION@/$version/; s/@HOST@/$host/; s/@PORT@/$port/" 55-kube-proxy.yaml |
    kubectl apply --server-side --field-manager=@manager@ -f - || stop "55-kube-proxy was not taken: see above"
}
