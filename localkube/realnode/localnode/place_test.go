package main

import (
	"net"
	"os"
	"testing"
)

func network(t *testing.T, text string) *net.IPNet {
	t.Helper()
	parsed, err := parseNetwork(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestANetworkIsTakenIfEitherHoldsTheOther(t *testing.T) {
	ours := network(t, "10.199.7.1/24")
	for text, taken := range map[string]bool{"10.199.7.0/25": true, "10.0.0.0/8": true, "10.199.8.0/24": false, "192.168.0.0/16": false} {
		if overlaps(ours, []*net.IPNet{network(t, text)}) != taken {
			t.Errorf("%s: taken should be %v", text, taken)
		}
	}
}

func TestTheKernelsHexadecimalAddressesAreRead(t *testing.T) {
	if ip := littleEndian("0101C70A"); !ip.Equal(net.IPv4(10, 199, 1, 1)) {
		t.Errorf("got %s", ip)
	}
}

func TestANetworkIsChosenOnceAndTwoPlacesHaveTwoNames(t *testing.T) {
	one, err := placeAt(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	other, err := placeAt(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	first, err := one.network()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := one.network(); err != nil || again.String() != first.String() {
		t.Errorf("%s became %s, %v", first, again, err)
	}
	if one.name() == other.name() || len(one.name()) > 15 {
		t.Errorf("%s and %s", one.name(), other.name())
	}
}

func TestWhatIsNotThereIsRemovedWithoutAWord(t *testing.T) {
	place, err := placeAt(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := place.clear(); err != nil && os.Geteuid() == 0 {
		t.Error(err)
	}
}

func TestMissingControllersAreNamed(t *testing.T) {
	if missing := without([]string{"cpu", "memory"}, []string{"memory", "io"}); len(missing) != 1 || missing[0] != "cpu" {
		t.Errorf("got %v", missing)
	}
}
