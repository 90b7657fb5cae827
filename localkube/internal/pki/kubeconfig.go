package pki

import (
	"os"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// Kubeconfig is the text of a kubeconfig for the admin with everything inlined, so that it can be
// copied. Its current context authenticates by certificate, the context `token` by bearer token.
func (d Dir) Kubeconfig(server string) ([]byte, error) {
	config, err := d.kubeconfigOf("admin", server)
	if err != nil {
		return nil, err
	}
	token, err := os.ReadFile(d.File("admin.token"))
	if err != nil {
		return nil, err
	}
	config.AuthInfos["token"] = &api.AuthInfo{Token: string(token)}
	config.Contexts["token"] = &api.Context{Cluster: "localkube", AuthInfo: "token"}
	return clientcmd.Write(*config)
}

// KubeconfigOf is the same by certificate alone: for `controllers`, the components of the control plane, or
// for `kubelet`, a real node's.
func (d Dir) KubeconfigOf(who, server string) ([]byte, error) {
	config, err := d.kubeconfigOf(who, server)
	if err != nil {
		return nil, err
	}
	return clientcmd.Write(*config)
}

func (d Dir) kubeconfigOf(who, server string) (*api.Config, error) {
	authority, err := os.ReadFile(d.Cert("ca"))
	if err != nil {
		return nil, err
	}
	cert, err := os.ReadFile(d.Cert(who))
	if err != nil {
		return nil, err
	}
	key, err := os.ReadFile(d.Key(who))
	if err != nil {
		return nil, err
	}
	return &api.Config{
		Clusters:       map[string]*api.Cluster{"localkube": {Server: server, CertificateAuthorityData: authority}},
		AuthInfos:      map[string]*api.AuthInfo{who: {ClientCertificateData: cert, ClientKeyData: key}},
		Contexts:       map[string]*api.Context{"localkube": {Cluster: "localkube", AuthInfo: who}},
		CurrentContext: "localkube",
	}, nil
}
