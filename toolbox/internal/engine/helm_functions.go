package engine

import (
	"maps"
	"reflect"
	"slices"
	"text/template"
	"time"

	"github.com/Masterminds/sprig/v3"
)

// Functions whose answer differs from render to render, whatever they are asked.
var chancy = []string{
	"ago", "bcrypt", "derivePassword", "encryptAES", "genCA", "genCAWithKey", "genPrivateKey", "genSelfSignedCert",
	"genSelfSignedCertWithKey", "genSignedCert", "genSignedCertWithKey", "htpasswd", "now", "randAlpha",
	"randAlphaNum", "randAscii", "randBytes", "randInt", "randNumeric", "shuffle", "uuidv4",
}

// Functions that tell the present time where they are given nothing that is a time; by the argument that should be.
var dated = map[string]int{"date": 1, "date_in_zone": 1, "dateInZone": 1, "htmlDate": 0, "htmlDateInZone": 0}

// lookup is the function by which a template reads an object of the cluster, or a list where no name is given.
type lookup func(apiVersion, kind, namespace, name string) (map[string]any, error)

// nothingLive tells of a cluster that there is none to look into, as with `helm template`.
func nothingLive(string, string, string, string) (map[string]any, error) {
	return map[string]any{}, nil
}

// watched is the template functions that are replaced, and which of them were called in a way that tells chance from
// content. All behave as they do in Helm.
type watched struct {
	functions template.FuncMap
	called    map[string]bool
}

// A chart sees of a cluster what look tells it.
func watchedFunctions(look lookup) watched {
	w := watched{template.FuncMap{}, map[string]bool{}}
	sprigs := sprig.TxtFuncMap()
	for _, name := range chancy {
		w.watch(name, sprigs[name], func([]reflect.Value) bool { return true })
	}
	for name, at := range dated {
		w.watch(name, sprigs[name], func(given []reflect.Value) bool { return !isTime(given[at].Interface()) })
	}
	w.watch("durationRound", sprigs["durationRound"], func(given []reflect.Value) bool {
		_, since := given[0].Interface().(time.Time)
		return since
	})
	w.watch("lookup", look, func([]reflect.Value) bool { return true })
	// Helm gives these in the random order of Go's maps: sorted is one of the orders that it may give, and the same
	// chart renders the same twice.
	w.functions["keys"] = sortedKeys
	w.functions["values"] = valuesByKey
	return w
}

// watch puts a function in that notes its name when chance has a say in a call, and is otherwise what it was.
func (w watched) watch(name string, function any, chance func(given []reflect.Value) bool) {
	original := reflect.ValueOf(function)
	noting := func(given []reflect.Value) []reflect.Value {
		if chance(given) {
			w.called[name] = true
		}
		if original.Type().IsVariadic() {
			return original.CallSlice(given)
		}
		return original.Call(given)
	}
	w.functions[name] = reflect.MakeFunc(original.Type(), noting).Interface()
}

func (w watched) used() []string {
	return append([]string{}, slices.Sorted(maps.Keys(w.called))...)
}

func isTime(value any) bool {
	switch value.(type) {
	case time.Time, *time.Time, int64, int, int32:
		return true
	}
	return false
}

func sortedKeys(dicts ...map[string]any) []string {
	names := []string{}
	for _, dict := range dicts {
		names = append(names, slices.Sorted(maps.Keys(dict))...)
	}
	return names
}

func valuesByKey(dict map[string]any) []any {
	values := []any{}
	for _, key := range sortedKeys(dict) {
		values = append(values, dict[key])
	}
	return values
}
