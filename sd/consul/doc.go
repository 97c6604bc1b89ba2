// Package consul discovers and registers services in Consul.
package consul
