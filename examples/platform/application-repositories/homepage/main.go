// Homepage serves one page. TITLE and LISTEN in the environment are its title and its address.
package main

import (
	"context"
	"embed"
	"errors"
	"html/template"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
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
	server := &http.Server{Addr: setting("LISTEN", ":8080")}
	told, _ := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	answered := make(chan error)
	go func() {
		<-told.Done()
		answered <- server.Shutdown(context.Background()) // once every request that came is answered
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
	if err := <-answered; err != nil {
		log.Fatal(err)
	}
}
