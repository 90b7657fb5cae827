// Program gitea is a Gitea server, made of Gitea's own module: the forge that tests of pull requests ask.
//
// It is Gitea's own command line. What is left out is what the tests have no use for: the pages' scripts and styles,
// and the renderers of documents.
package main

import (
	"os"
	"time"

	"code.gitea.io/gitea/cmd"
	"code.gitea.io/gitea/modules/log"
	"code.gitea.io/gitea/modules/setting"
)

// The version of the module that go.mod asks for.
const version = "1.26.0"

func main() {
	setting.AppVer = version
	setting.AppStartTime = time.Now().UTC()
	app := cmd.NewMainApp(cmd.AppVersion{Version: version})
	err := cmd.RunMainApp(app, os.Args...)
	log.GetManager().Close()
	if err != nil {
		os.Exit(1)
	}
}
