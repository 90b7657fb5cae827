package engine

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	kubeyaml "k8s.io/apimachinery/pkg/util/yaml"
)

func TestEveryOperationIsInTheReadme(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range Operations {
		if !strings.Contains(string(readme), "`"+name+"`") {
			t.Errorf("README.md says nothing of %s", name)
		}
	}
}

func TestThePythonPackageHasTheSameVersion(t *testing.T) {
	package_, err := os.ReadFile("../../src/tiphys_toolbox/__init__.py")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(package_), `__version__ = "`+Version+`"`) {
		t.Errorf("the Go side is %s, the Python side is not", Version)
	}
}

// random strings of what separates documents and what looks as if it did
func texts(t *testing.T, check func(text string)) {
	t.Helper()
	pieces := []string{"---", "--- ", "\n", "\n", "\n---\n", "a: 1", "# c", " ", "\t", "\r\n", "----", "--- # c", "x---", "é"}
	for range 2000 {
		var text strings.Builder
		for range rand.IntN(12) {
			text.WriteString(pieces[rand.IntN(len(pieces))])
		}
		check(text.String())
	}
}

func TestRenderedTextIsCutAsHelmCutsIt(t *testing.T) {
	texts(t, func(text string) {
		theirs := releaseutil.SplitManifests(text)
		keys := slices.Collect(maps.Keys(theirs))
		slices.SortFunc(keys, func(a, b string) int { return len(a)*1000 - len(b)*1000 + strings.Compare(a, b) })
		ours := splitAsHelm("f", text)
		if len(ours) != len(keys) {
			t.Fatalf("%q: %d documents, Helm has %d", text, len(ours), len(keys))
		}
		for i, part := range ours {
			if string(part.text) != theirs[keys[i]] {
				t.Fatalf("%q: document %d is %q, Helm's is %q", text, i, part.text, theirs[keys[i]])
			}
			if line := strings.Split(text, "\n")[part.line-1]; !strings.Contains(line, firstLine(part.text)) {
				t.Fatalf("%q: document %q begins on line %q", text, part.text, line)
			}
		}
	})
}

func firstLine(text []byte) string {
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}

var leading = regexp.MustCompile(`(?m)\A\s*^---.*\n`)

func TestFilesAreCutAsKubernetesCutsThem(t *testing.T) {
	texts(t, func(text string) {
		theirs, failed := []string{}, false
		reader := kubeyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text)))
		for {
			document, err := reader.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				failed = true
				break
			}
			// A separator right after another one is left to the parser there, to the same effect.
			document = leading.ReplaceAll(document, nil)
			if trimmed := strings.TrimSpace(string(document)); trimmed != "" {
				theirs = append(theirs, trimmed)
			}
		}
		parts, err := splitDocuments("f", []byte(text))
		if failed != (err != nil) {
			t.Fatalf("%q: %v, Kubernetes fails: %v", text, err, failed)
		}
		ours := []string{}
		for _, part := range parts {
			ours = append(ours, strings.TrimSpace(string(part.text)))
		}
		if !failed && !slices.Equal(ours, theirs) {
			t.Fatalf("%q: %q, Kubernetes has %q", text, ours, theirs)
		}
	})
}

func TestHeadsSortAsWholeObjectsDo(t *testing.T) {
	slog.SetLogLoggerLevel(slog.LevelWarn) // Helm says of each unknown hook that it is skipped
	kinds := []string{"Pod", "Namespace", "Zebra", "Aardvark", "Secret", "CustomResourceDefinition", "Job", "Zebra"}
	files := map[string]string{}
	for range 40 {
		file := string(rune('a' + rand.IntN(5)))
		hook := []string{"", `{"helm.sh/hook": "pre-install", "a": 1}`, `{"helm.sh/hook": "nope"}`}[rand.IntN(3)]
		files[file] += "---\nkind: " + kinds[rand.IntN(len(kinds))] + "\nmetadata:\n  name: x\n  annotations: " + hook + "\n"
	}
	hooks, manifests, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	if err != nil {
		t.Fatal(err)
	}
	theirs := []string{}
	for _, m := range manifests {
		theirs = append(theirs, m.Name+"/"+m.Head.Kind)
	}
	for _, h := range hooks {
		theirs = append(theirs, h.Path+"/"+h.Kind)
	}
	made, err := decodeRendered(files)
	if err != nil {
		t.Fatal(err)
	}
	ordered, err := helmArguments{}.inInstallOrder(made)
	if err != nil {
		t.Fatal(err)
	}
	ours := []string{}
	for _, object := range ordered {
		var head struct{ Kind string }
		_ = json.Unmarshal(object.Object, &head)
		ours = append(ours, object.File+"/"+head.Kind)
	}
	if !slices.Equal(ours, theirs) {
		t.Errorf("%v\nHelm: %v", ours, theirs)
	}
}

func TestTheReplacedFunctionsHaveHelmsSignatures(t *testing.T) {
	if watched := watchedFunctions(nothingLive); len(watched.functions) != len(chancy)+len(dated)+4 {
		t.Errorf("%d functions are replaced", len(watched.functions))
	}
}

func TestDepth(t *testing.T) {
	for text, wanted := range map[string]int{`1`: 0, `{}`: 1, `[[],[[]]]`: 3, `{"a":"[[{\"[["}`: 1, `{"\\":[1]}`: 2} {
		if found := depth(json.RawMessage(text)); found != wanted {
			t.Errorf("%s: %d, wanted %d", text, found, wanted)
		}
	}
}

func TestJqProgramsAreForgottenWhenTheyAreMany(t *testing.T) {
	for n := range programsKept + 10 {
		request, _ := json.Marshal(map[string]any{"program": "." + strings.Repeat("|.", n), "input": n})
		answer, err := jq(context.Background(), request)
		if err != nil || !bytes.Equal(answer.(jqAnswer).Results[0], []byte(jsonOf(n))) {
			t.Fatalf("%v, %v", answer, err)
		}
	}
	if len(programs.compiled) > programsKept {
		t.Errorf("%d programs are kept", len(programs.compiled))
	}
}

func jsonOf(value any) string {
	text, _ := json.Marshal(value)
	return string(text)
}
