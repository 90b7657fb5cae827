package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// Place is the directory of one node. What the node makes outside of it bears a name made of its path, so
// that several stand side by side and each finds again what a killed one of its own has left.
type Place struct{ dir, id string }

func placeAt(dir string) (Place, error) {
	if dir == "" {
		return Place{}, errors.New("needs --dir DIR")
	}
	whole, err := filepath.Abs(dir)
	if err != nil {
		return Place{}, err
	}
	if err := os.MkdirAll(whole, 0o700); err != nil {
		return Place{}, err
	}
	hash := sha256.Sum256([]byte(whole))
	return Place{whole, hex.EncodeToString(hash[:3])}, nil
}

// name is that of the bridge and of the control groups.
func (p Place) name() string { return "tiphys-" + p.id }

func (p Place) path(parts ...string) string {
	return filepath.Join(append([]string{p.dir}, parts...)...)
}

// network is the node's: its IP is the node's own, the others are for pods. It is chosen out of a range that
// nobody routes, and kept unless somebody else routes it meanwhile: certificates and stored objects name it.
func (p Place) network() (*net.IPNet, error) {
	taken, err := routed(p.name())
	if err != nil {
		return nil, err
	}
	if text, err := os.ReadFile(p.path("network")); err == nil {
		if kept, err := parseNetwork(strings.TrimSpace(string(text))); err == nil && !overlaps(kept, taken) {
			return kept, nil
		}
	}
	var id uint32
	if _, err := fmt.Sscanf(p.id, "%x", &id); err != nil {
		return nil, err
	}
	for i := range uint32(256) {
		network := &net.IPNet{IP: net.IPv4(10, 199, byte(id+i), 1), Mask: net.CIDRMask(24, 32)}
		if !overlaps(network, taken) {
			return network, os.WriteFile(p.path("network"), []byte(network.String()+"\n"), 0o600)
		}
	}
	return nil, errors.New("all networks of 10.199.0.0/16 are in use on this machine; a real node needs a free one")
}

func parseNetwork(text string) (*net.IPNet, error) {
	ip, network, err := net.ParseCIDR(text)
	if err != nil {
		return nil, err
	}
	return &net.IPNet{IP: ip, Mask: network.Mask}, nil
}

func overlaps(network *net.IPNet, others []*net.IPNet) bool {
	for _, other := range others {
		if network.Contains(other.IP) || other.Contains(network.IP) {
			return true
		}
	}
	return false
}

// routed are the networks that this machine knows a way to, but for the default route and one interface.
func routed(except string) ([]*net.IPNet, error) {
	file, err := os.Open("/proc/net/route")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var found []*net.IPNet
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 8 || fields[0] == except || fields[7] == "00000000" || fields[7] == "Mask" {
			continue
		}
		found = append(found, &net.IPNet{IP: littleEndian(fields[1]), Mask: net.IPMask(littleEndian(fields[7]))})
	}
	return found, nil
}

func littleEndian(text string) net.IP {
	number, _ := hex.DecodeString(text)
	if len(number) != 4 {
		return net.IPv4zero.To4()
	}
	ip := make(net.IP, 4)
	binary.BigEndian.PutUint32(ip, binary.LittleEndian.Uint32(number))
	return ip
}

// clear removes what stands outside of the directory: the bridge, with it all that is plugged into it,
// and the control groups. What is gone already is no error.
func (p Place) clear() error {
	return errors.Join(deleteLink(p.name()), removeGroups(p.name()))
}
