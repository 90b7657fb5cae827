package smoke

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// What the program says of itself comes from the linker's flags; what it is comes from go.mod.
func TestTheLinkerIsToldTheVersionsOfGoMod(t *testing.T) {
	flags, modules := read(t, "../ldflags"), read(t, "../go.mod")
	kubernetes, helm := versionOf(t, modules, "k8s.io/kubernetes"), versionOf(t, modules, "helm.sh/helm/v4")
	staging := "v0." + strings.TrimPrefix(kubernetes, "v1.")
	for _, want := range []string{
		"k8s.io/component-base/version.gitVersion=" + kubernetes,
		"k8s.io/client-go/pkg/version.gitVersion=" + kubernetes,
		"gitMinor=" + strings.Split(kubernetes, ".")[1],
		"helm.sh/helm/v4/internal/version.version=" + helm,
	} {
		if !strings.Contains(flags, want+" ") && !strings.HasSuffix(strings.TrimSpace(flags), want) {
			t.Errorf("ldflags lacks %s", want)
		}
	}
	for _, line := range regexp.MustCompile(`(?m)^\s*k8s\.io/\S+ => .*$`).FindAllString(modules, -1) {
		if !strings.HasSuffix(line, " "+staging) {
			t.Errorf("go.mod: %s is not of %s", strings.TrimSpace(line), staging)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func versionOf(t *testing.T, modules, path string) string {
	t.Helper()
	found := regexp.MustCompile(regexp.QuoteMeta(path) + ` (v\S+)`).FindStringSubmatch(modules)
	if found == nil {
		t.Fatalf("go.mod does not require %s", path)
	}
	return found[1]
}
