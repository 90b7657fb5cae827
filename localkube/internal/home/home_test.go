package home

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestADirectoryIsHeldByOneOnly(t *testing.T) {
	dir := t.TempDir()
	first, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var refused *Failure
	if _, err := Open(dir); !errors.As(err, &refused) || refused.Code != ExitHeld || !strings.Contains(refused.Message, "pid") {
		t.Errorf("a second holder got %v", err)
	}
	first.Close()
	again, err := Open(dir)
	if err != nil {
		t.Fatalf("after the first is gone: %v", err)
	}
	again.Close()
}

func TestThePortIsRememberedAndABusyOneSaidSo(t *testing.T) {
	h, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	first, err := h.Listen(0)
	if err != nil {
		t.Fatal(err)
	}
	var busy *Failure
	if _, err := h.Listen(0); !errors.As(err, &busy) || busy.Code != ExitPortBusy {
		t.Errorf("the remembered port, which is busy, gave %v", err)
	}
	address := first.Addr().String()
	_ = first.Close()
	second, err := h.Listen(0)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if second.Addr().String() != address {
		t.Errorf("first %s, then %s", address, second.Addr())
	}
}

func TestAnUnusableDirectoryIsAFailureOfTheDisk(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var unusable *Failure
	if _, err := Open(filepath.Join(file, "dir")); !errors.As(err, &unusable) || unusable.Code != ExitDisk {
		t.Errorf("got %v", err)
	}
}

func TestReadinessIsAnnouncedAndWithdrawn(t *testing.T) {
	h, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Announce(Ready{Pid: 7, Server: "https://127.0.0.1:1"}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(h.Path("ready"))
	if err != nil || !strings.Contains(string(text), `"pid":7,"server":"https://127.0.0.1:1"`) {
		t.Errorf("ready says %s: %v", text, err)
	}
	h.Close()
	if _, err := os.Stat(h.Path("ready")); !os.IsNotExist(err) {
		t.Errorf("ready is still there: %v", err)
	}
}
