// Homepage serves one page, with a title from the environment.
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

func title() string {
	if title := os.Getenv("TITLE"); title != "" {
		return title
	}
	return "Homepage"
}

func home(answer http.ResponseWriter, _ *http.Request) {
	if err := page.Execute(answer, title()); err != nil {
		log.Print(err)
	}
}

func main() {
	http.HandleFunc("GET /{$}", home)
	log.Fatal(http.ListenAndServe(":8080", nil))
}
