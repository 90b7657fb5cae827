package engine

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// chartOf writes a chart of these files and gives its folder.
func chartOf(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	files["Chart.yaml"] = "apiVersion: v2\nname: shop\nversion: 1.0.0\n"
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func released(t *testing.T, arguments map[string]any) releaseAnswer {
	t.Helper()
	arguments["releaseName"], arguments["namespace"] = "shop", "web"
	request, _ := json.Marshal(arguments)
	answer, err := helmRelease(context.Background(), request)
	if err != nil {
		t.Fatal(err)
	}
	return answer.(releaseAnswer)
}

func TestAReleaseIsWhatHelmRecords(t *testing.T) {
	dir := chartOf(t, map[string]string{
		"values.yaml":          "replicas: 1\n",
		"templates/NOTES.txt":  "Revision {{ .Release.Revision }}\n",
		"templates/a.yaml":     "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\ndata: {n: {{ .Values.replicas | quote }}}\n",
		"templates/space.yaml": "kind: Namespace\napiVersion: v1\nmetadata: {name: z}\n",
		"templates/job.yaml": "kind: Job\napiVersion: batch/v1\nmetadata:\n  name: j\n  annotations:\n" +
			"    helm.sh/hook: pre-install,post-upgrade\n    helm.sh/hook-weight: \"-3\"\n    helm.sh/hook-delete-policy: hook-failed\n",
		"crds/c.yaml": "kind: CustomResourceDefinition\napiVersion: apiextensions.k8s.io/v1\nmetadata: {name: c}\n",
	})
	answer := released(t, map[string]any{"dir": dir, "set": []string{"replicas=2"}, "revision": 4, "isUpgrade": true})
	kinds := []string{}
	for _, object := range answer.Objects {
		var head struct{ Kind string }
		_ = json.Unmarshal(object.Object, &head)
		kinds = append(kinds, head.Kind)
	}
	if strings.Join(kinds, " ") != "Namespace ConfigMap" {
		t.Errorf("objects: %v", kinds)
	}
	made := answer.Release
	if !strings.HasPrefix(made.Manifest, "---\n# Source: shop/templates/space.yaml\nkind: Namespace\n") {
		t.Errorf("manifest: %q", made.Manifest)
	}
	if made.Version != 4 || made.Info.Notes != "Revision 4\n" || made.ApplyMethod != "ssa" || jsonOf(made.Config) != `{"replicas":2}` {
		t.Errorf("release: %+v", made)
	}
	if len(answer.Hooks) != 1 || answer.Hooks[0].Weight != -3 || jsonOf(answer.Hooks[0].DeletePolicies) != `["hook-failed"]` {
		t.Errorf("hooks: %+v", answer.Hooks)
	}
}

func TestALookupIsAskedForAndThenAnswered(t *testing.T) {
	dir := chartOf(t, map[string]string{
		"templates/a.yaml": `{{ $found := lookup "v1" "Secret" "web" "old" }}
{{- if not $found }}{{ fail "there is none" }}{{ end }}
kind: ConfigMap
apiVersion: v1
metadata: {name: a}
data: {kept: {{ $found.data.password | quote }}}
`})
	asked := released(t, map[string]any{"dir": dir})
	if asked.Release != nil || len(asked.Lookups) != 1 || asked.Lookups[0].Name != "old" {
		t.Fatalf("asked: %+v", asked)
	}
	asked.Lookups[0].Object = map[string]any{"data": map[string]any{"password": "x"}}
	answer := released(t, map[string]any{"dir": dir, "lookups": asked.Lookups})
	if len(answer.Lookups) != 0 || !strings.Contains(answer.Release.Manifest, `kept: "x"`) {
		t.Errorf("answered: %+v", answer)
	}
}

func TestAReleaseSeesTheApisOfItsClusterAlone(t *testing.T) {
	dir := chartOf(t, map[string]string{
		"templates/a.yaml": "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\n" +
			"data: {apps: {{ .Capabilities.APIVersions.Has \"apps/v1\" | quote }}, mine: {{ .Capabilities.APIVersions.Has \"my/v1\" | quote }}}\n",
	})
	arguments := map[string]any{"dir": dir, "apiVersions": []string{"my/v1"}, "onlyTheseApis": true}
	if made := released(t, arguments).Release; !strings.Contains(made.Manifest, `apps: "false", mine: "true"`) {
		t.Error(made.Manifest)
	}
}

func TestDefinitionsAreThoseOfTheSubchartsThatAreIn(t *testing.T) {
	dir := chartOf(t, map[string]string{
		"crds/c.yaml":            "kind: CustomResourceDefinition\nmetadata: {name: c}\n",
		"charts/sub/Chart.yaml":  "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
		"charts/sub/crds/s.yaml": "kind: CustomResourceDefinition\nmetadata: {name: s}\n",
		"values.yaml":            "sub: {enabled: false}\n",
	})
	chart := "apiVersion: v2\nname: shop\nversion: 1.0.0\ndependencies:\n- {name: sub, version: 1.0.0, condition: sub.enabled}\n"
	if err := os.WriteFile(filepath.Join(dir, "Chart.yaml"), []byte(chart), 0o600); err != nil {
		t.Fatal(err)
	}
	for enabled, wanted := range map[string]int{"sub.enabled=false": 1, "sub.enabled=true": 2} {
		request, _ := json.Marshal(map[string]any{"dir": dir, "set": []string{enabled}})
		answer, err := helmCRDs(context.Background(), request)
		if err != nil || len(answer.(definitionsAnswer).Objects) != wanted {
			t.Errorf("%s: %+v %v", enabled, answer, err)
		}
	}
}
