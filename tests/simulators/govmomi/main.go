// A vCenter simulated by govmomi, for those tests that can also run against a simulator that is not ours.
//
// It takes the files of a certificate and its key, prints address, user and password on one line, and ends when its
// input ends.
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/vmware/govmomi/simulator"
)

func main() {
	certificate, err := tls.LoadX509KeyPair(os.Args[1], os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	model := simulator.VPX()
	defer model.Remove()
	if err := model.Create(); err != nil {
		log.Fatal(err)
	}
	model.Service.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server := model.Service.NewServer()
	defer server.Close()
	password, _ := server.URL.User.Password()
	fmt.Println(server.URL.Host, server.URL.User.Username(), password)
	io.Copy(io.Discard, os.Stdin)
}
