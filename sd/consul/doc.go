// Package consul discovers and registers services in Consul.
package consul

import _ "github.com/hashicorp/consul/api"
import _ "github.com/dowelkit/dowel/sd"
