package engine

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
)

const schemaURL = "file:///values.schema.json"

// validateValues holds the values against the schemas of the chart and its subcharts, in Helm's words. A schema may
// refer to itself and to the published drafts, but to nothing on a disk or a network.
func validateValues(loaded *chart.Chart, values common.Values) error {
	var violations strings.Builder
	violationsOf(loaded, values, &violations)
	if violations.Len() == 0 {
		return nil
	}
	return fmt.Errorf("values don't meet the specifications of the schema(s) in the following chart(s):\n%s",
		violations.String())
}

func violationsOf(loaded *chart.Chart, values map[string]any, into *strings.Builder) {
	if loaded.Schema != nil {
		if err := validateAgainst(loaded.Schema, values); err != nil {
			text := strings.TrimPrefix(err.Error(), "jsonschema validation failed with '"+schemaURL+"#'\n")
			fmt.Fprintf(into, "%s:\n%s\n", loaded.Name(), text)
		}
	}
	for _, sub := range loaded.Dependencies() {
		switch table := values[sub.Name()].(type) {
		case nil:
		case map[string]any:
			violationsOf(sub, table, into)
		case common.Values:
			violationsOf(sub, table, into)
		default:
			fmt.Fprintf(into, "%s:\ninvalid type for values: expected object (map), got %T\n", sub.Name(), table)
		}
	}
}

func validateAgainst(text []byte, values map[string]any) error {
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("values.schema.json is not JSON: %w", err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(closedLoader{})
	if err := compiler.AddResource(schemaURL, schema); err != nil {
		return err
	}
	validator, err := compiler.Compile(schemaURL)
	if err != nil {
		return err
	}
	return validator.Validate(values)
}

// closedLoader answers what a schema refers to outside of itself. A URN that is not known permits everything, as in
// Helm; anything else is refused, where Helm would read the file or fetch the page.
type closedLoader struct{}

func (closedLoader) Load(url string) (any, error) {
	if strings.HasPrefix(url, "urn:") {
		return true, nil
	}
	return nil, fmt.Errorf("values.schema.json refers to %s, and nothing is read or fetched while rendering; "+
		"copy the definition under $defs, or set skipSchemaValidation", strings.TrimPrefix(url, "file:///"))
}
