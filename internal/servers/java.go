package servers

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
)

// Java returns the path of the java program: of JAVA_HOME, or else the one found
// in PATH.
func Java() (string, error) {
	if home := os.Getenv("JAVA_HOME"); home != "" {
		return exec.LookPath(filepath.Join(home, "bin", "java"))
	}
	path, err := exec.LookPath("java")
	if err != nil {
		return "", errors.New("no Java: ZooKeeper needs java in PATH, or JAVA_HOME")
	}
	return path, nil
}
