// Homepage serves one page. TITLE and LISTEN in the environment are its title and its address.
package main

import (
	"embed"
	"html/template"
	"log"
	"net/http"
	"os"
)

//go:embed site
var site embed.FS

var page = template.Must(template.ParseFS(site, "site/index.html"))

func setting(name, usual string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return usual
}

func home(answer http.ResponseWriter, _ *http.Request) {
	if err := page.Execute(answer, setting("TITLE", "Homepage")); err != nil {
		log.Print(err)
	}
}

func main() {
	http.HandleFunc("GET /{$}", home)
	log.Fatal(http.ListenAndServe(setting("LISTEN", ":8080"), nil))
}
