// Package pki makes the keys and certificates of one control plane: an authority of its own, who
// serves, who asks, and the key that signs service account tokens. It is made once per directory.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// A directory of a developer or a test lives shorter than this; there is no renewal.
const validity = 10 * 365 * 24 * time.Hour

// The group that may do everything, and is not looked up in RBAC: with anything less the
// controllers read all and roll out nothing.
const masters = "system:masters"

// AdminUser is who the kubeconfig speaks as, by certificate or by token.
const AdminUser = "kubernetes-admin"

// identity is one certificate: a server when it has hosts, else a client.
type identity struct {
	name, authority, user, group string
	hosts                        []string
}

var identities = []identity{
	{name: "apiserver", authority: "ca", user: "kube-apiserver", hosts: []string{"127.0.0.1", "localhost", "10.96.0.1",
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"}},
	{name: "node", authority: "ca", user: "system:node", hosts: []string{"127.0.0.1", "localhost"}},
	{name: "admin", authority: "ca", user: AdminUser, group: masters},
	{name: "controllers", authority: "ca", user: "localkube-controllers", group: masters},
	{name: "kubelet-client", authority: "ca", user: "kube-apiserver-kubelet-client", group: masters},
	{name: "front-proxy-client", authority: "front-proxy-ca", user: "front-proxy-client"},
}

// Dir is a folder with everything made.
type Dir string

// Cert, Key and File are paths in it.
func (d Dir) Cert(name string) string { return d.File(name + ".crt") }
func (d Dir) Key(name string) string  { return d.File(name + ".key") }
func (d Dir) File(name string) string { return filepath.Join(string(d), name) }

// Ensure answers with the folder, and fills it when it does not exist yet. It is filled beside and
// moved into place, so an interrupted start leaves no half of it.
func Ensure(path string) (Dir, error) {
	if _, err := os.Stat(path); err == nil {
		return Dir(path), nil
	}
	fresh := Dir(path + ".new")
	if err := os.RemoveAll(string(fresh)); err != nil {
		return "", err
	}
	if err := os.MkdirAll(string(fresh), 0o700); err != nil {
		return "", err
	}
	if err := fresh.fill(); err != nil {
		return "", fmt.Errorf("make certificates: %w", err)
	}
	return Dir(path), os.Rename(string(fresh), path)
}

func (d Dir) fill() error {
	authorities := map[string]*authority{}
	for _, name := range []string{"ca", "front-proxy-ca"} {
		made, err := d.newAuthority(name)
		if err != nil {
			return err
		}
		authorities[name] = made
	}
	for _, who := range identities {
		if err := d.issue(who, authorities[who.authority]); err != nil {
			return err
		}
	}
	if err := d.newTokenKey(); err != nil {
		return err
	}
	return d.newAdminToken()
}

// NodeName is that of the one real node.
const NodeName = "localkube-1"

// CertifyNode makes what a kubelet at an address shows to those who ask it, and what it asks the API server
// with: anew each time, since the address may be another one.
func (d Dir) CertifyNode(address string) error {
	by, err := d.readAuthority("ca")
	if err != nil {
		return err
	}
	return errors.Join(
		d.issue(identity{name: "kubelet", user: "system:node:" + NodeName, group: "system:nodes"}, by),
		d.issue(identity{name: "kubelet-server", user: "system:node:" + NodeName, group: "system:nodes", hosts: []string{address}}, by))
}

func (d Dir) readAuthority(name string) (*authority, error) {
	pair, err := tls.LoadX509KeyPair(d.Cert(name), d.Key(name))
	if err != nil {
		return nil, err
	}
	return &authority{pair.Leaf, pair.PrivateKey.(*ecdsa.PrivateKey)}, nil
}

type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func (d Dir) newAuthority(name string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := certificate("localkube-"+name, "")
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage |= x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &authority{cert, key}, d.writePair(name, der, key)
}

func (d Dir) issue(who identity, by *authority) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := certificate(who.user, who.group)
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if len(who.hosts) > 0 {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	for _, host := range who.hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.cert, key.Public(), by.key)
	if err != nil {
		return err
	}
	return d.writePair(who.name, der, key)
}

func certificate(user, group string) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	subject := pkix.Name{CommonName: user}
	if group != "" {
		subject.Organization = []string{group}
	}
	// An hour of slack: a machine whose clock is set back a little must not lock itself out.
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial, Subject: subject,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(validity),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
}

func (d Dir) newTokenKey() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	if err := d.writePEM("service-accounts.pub", "PUBLIC KEY", public); err != nil {
		return err
	}
	return d.writeKey("service-accounts", key)
}

// newAdminToken writes the table that kube-apiserver reads: token, user, uid, groups.
func (d Dir) newAdminToken() error {
	secret := make([]byte, 16)
	if _, err := rand.Read(secret); err != nil {
		return err
	}
	token := hex.EncodeToString(secret)
	if err := os.WriteFile(d.File("admin.token"), []byte(token), 0o600); err != nil {
		return err
	}
	row := fmt.Sprintf("%s,%s,%s,%q\n", token, AdminUser, AdminUser, masters)
	return os.WriteFile(d.File("tokens.csv"), []byte(row), 0o600)
}

func (d Dir) writePair(name string, der []byte, key crypto.PrivateKey) error {
	if err := d.writePEM(name+".crt", "CERTIFICATE", der); err != nil {
		return err
	}
	return d.writeKey(name, key)
}

func (d Dir) writeKey(name string, key crypto.PrivateKey) error {
	// SEC 1, not PKCS 8: kube-controller-manager's signer reads both, older clients only this one.
	der, err := x509.MarshalECPrivateKey(key.(*ecdsa.PrivateKey))
	if err != nil {
		return err
	}
	return d.writePEM(name+".key", "EC PRIVATE KEY", der)
}

func (d Dir) writePEM(file, kind string, der []byte) error {
	return os.WriteFile(d.File(file), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
