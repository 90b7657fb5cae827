package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

const (
	socket = "/run/containerd/containerd.sock"
	// PauseImage is brought in by a tar in the folder `images`, so that no registry is needed for it.
	pauseImage = "localhost/tiphys/pause:1"
)

// containerdConfig is of version 2, which containerd 1.6 and 2 both read. It is TOML; the quoted values are
// paths of ours and need no escaping beyond Go's.
const containerdConfig = `version = 2
root = %q
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]
[grpc]
address = %q
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = %q
# Without CAP_SYS_RESOURCE nobody may make a process less likely to be killed than its parent is.
restrict_oom_score_adj = true
stream_server_address = "127.0.0.1"
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
BinaryName = %q
SystemdCgroup = false
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = %q
conf_dir = %q
[plugins."io.containerd.grpc.v1.cri".registry]
config_path = %q
`

// configure writes the settings of the programs and of the pods' network.
func (p Place) configure(parts Parts, network *net.IPNet) error {
	folders := errors.Join(os.MkdirAll(p.path("network.d"), 0o755), os.MkdirAll(p.path("certs.d"), 0o755))
	text := fmt.Sprintf(containerdConfig, p.path("containerd"), socket, pauseImage, parts.Runc, parts.Plugins, p.path("network.d"), p.path("certs.d"))
	return errors.Join(folders,
		os.WriteFile(p.path("containerd.toml"), []byte(text), 0o600),
		writeJSON(p.path("network.d", "10-pods.conflist"), p.podNetwork(network)),
		writeJSON(p.path("kubelet.json"), p.kubeletConfig(parts, network.IP)))
}

func writeJSON(path string, value any) error {
	text, err := json.MarshalIndent(value, "", " ")
	return errors.Join(err, os.WriteFile(path, text, 0o600))
}

type object = map[string]any

// podNetwork plugs each pod into the bridge. The bridge has its address already, and nothing is translated or
// forwarded: pods reach each other and the node, and this machine reaches them.
func (p Place) podNetwork(network *net.IPNet) object {
	first, last := make(net.IP, 4), make(net.IP, 4)
	copy(first, network.IP.To4())
	copy(last, network.IP.To4())
	first[3], last[3] = 2, 254
	subnet := net.IPNet{IP: network.IP.Mask(network.Mask), Mask: network.Mask}
	addresses := object{"type": "host-local", "ranges": [][]object{{{"subnet": subnet.String(), "rangeStart": first.String(), "rangeEnd": last.String()}}}}
	return object{"cniVersion": "0.4.0", "name": "pods", "plugins": []object{
		{"type": "bridge", "bridge": p.name(), "ipMasq": false, "isGateway": false, "ipam": addresses},
	}}
}

// kubeletConfig: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
func (p Place) kubeletConfig(parts Parts, ip net.IP) object {
	return object{
		"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
		"address": ip.String(), "healthzPort": 0,
		"authentication":    object{"anonymous": object{"enabled": false}, "webhook": object{"enabled": false}, "x509": object{"clientCAFile": parts.CA}},
		"authorization":     object{"mode": "Webhook"},
		"tlsCertFile":       parts.Cert,
		"tlsPrivateKeyFile": parts.Key,
		"cgroupDriver":      "cgroupfs", "cgroupRoot": "/" + p.name(), "failCgroupV1": false, "enforceNodeAllocatable": []string{"pods"},
		"containerRuntimeEndpoint": "unix://" + socket,
		"resolvConf":               p.path("resolv.conf"),
		"podLogsDir":               filepath.Join(p.dir, "logs"), "volumePluginDir": p.path("volume-plugins"),
		// Nothing is translated here, so no rules of a firewall are made that somebody would have to remove.
		"makeIPTablesUtilChains": false, "enableControllerAttachDetach": false, "failSwapOn": false, "oomScoreAdj": 0, "serializeImagePulls": false,
		// A full disk is its owner's to tidy up: images here were brought in, and cannot be pulled again.
		"imageGCHighThresholdPercent": 100, "imageGCLowThresholdPercent": 99,
		"evictionHard": object{"memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
	}
}
