package testserver

import "encoding/json"

// A Point is a measurement that a [Collector] was sent, of a gauge, a sum or a
// histogram.
type Point struct {
	Service, Scope string // service.name of its resource, and who made it
	Name, Unit     string
	Attributes     map[string]any
	Value          float64 // of a gauge or sum
	Count          int64   // of a histogram, as the rest
	Sum            float64
	Bounds         []float64
	Buckets        []int64 // one more than bounds
}

// Points returns the measurements that came, once done is content with them, in the
// order of their coming. It ends the test if that is not within a minute.
func (c *Collector) Points(done func([]Point) bool) []Point {
	c.t.Helper()
	var points []Point
	c.poll("measurements", c.metrics(), func(lines [][]byte) (bool, error) {
		points = nil
		for _, line := range lines {
			var batch metricsData
			if err := json.Unmarshal(line, &batch); err != nil {
				return false, err
			}
			points = batch.appendTo(points)
		}
		return done(points), nil
	})
	return points
}

// metricsData is OTLP's message of that name, in its mapping to JSON.
type metricsData struct {
	ResourceMetrics []struct {
		Resource     otlpResource
		ScopeMetrics []struct {
			Scope   struct{ Name string }
			Metrics []struct {
				Name, Unit            string
				Gauge, Sum, Histogram struct{ DataPoints []dataPoint }
			}
		}
	}
}

type dataPoint struct {
	Attributes     otlpAttributes
	AsInt          int64 `json:",string"`
	AsDouble       float64
	Count          int64 `json:",string"`
	Sum            float64
	ExplicitBounds []float64
	BucketCounts   []json.Number // they are in quotes
}

func (d *metricsData) appendTo(points []Point) []Point {
	for _, ofResource := range d.ResourceMetrics {
		for _, ofScope := range ofResource.ScopeMetrics {
			for _, m := range ofScope.Metrics {
				for _, list := range [][]dataPoint{m.Gauge.DataPoints, m.Sum.DataPoints, m.Histogram.DataPoints} {
					for _, p := range list {
						point := Point{
							Service: ofResource.Resource.service(), Scope: ofScope.Scope.Name, Name: m.Name, Unit: m.Unit,
							Attributes: p.Attributes, Value: float64(p.AsInt) + p.AsDouble,
							Count: p.Count, Sum: p.Sum, Bounds: p.ExplicitBounds,
						}
						for _, n := range p.BucketCounts {
							count, _ := n.Int64() // a number, or it were none
							point.Buckets = append(point.Buckets, count)
						}
						points = append(points, point)
					}
				}
			}
		}
	}
	return points
}
