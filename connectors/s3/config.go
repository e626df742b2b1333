package s3

import (
	"net/url"
	"strings"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// Config says how to reach one bucket.
type Config struct {
	Endpoint                           string // host or host:port
	Secure                             bool
	PathStyle                          bool
	Region                             string
	AccessKey, SecretKey, SessionToken string
	Anonymous                          bool
}

const (
	defaultEndpoint = "s3.amazonaws.com"
	defaultRegion   = "us-east-1"
	anonymousName   = "AnonymousAWSCredentialsProvider"
)

// Keys are Hadoop's, as Spark's users set them, with or without the prefix
// "spark.hadoop.". fs.s3a.bucket.NAME.x overrides fs.s3a.x for one bucket.
type Keys map[string]string

func (k Keys) get(bucket, name string) string {
	for _, prefix := range []string{"", "spark.hadoop."} {
		if v := k[prefix+"fs.s3a.bucket."+bucket+"."+name]; v != "" {
			return v
		}
	}
	for _, prefix := range []string{"", "spark.hadoop."} {
		if v := k[prefix+"fs.s3a."+name]; v != "" {
			return v
		}
	}
	return ""
}

// config finds the settings of a bucket: keys first, then the environment.
func (k Keys) config(bucket string, env func(string) string) (Config, error) {
	first := func(list ...string) string {
		for _, s := range list {
			if s != "" {
				return s
			}
		}
		return ""
	}
	c := Config{
		Endpoint:  first(k.get(bucket, "endpoint"), env("AWS_ENDPOINT_URL_S3"), env("AWS_ENDPOINT_URL"), defaultEndpoint),
		Region:    first(k.get(bucket, "endpoint.region"), env("AWS_REGION"), env("AWS_DEFAULT_REGION")),
		PathStyle: strings.EqualFold(k.get(bucket, "path.style.access"), "true"),
		Secure:    !strings.EqualFold(k.get(bucket, "connection.ssl.enabled"), "false"),
		Anonymous: strings.Contains(k.get(bucket, "aws.credentials.provider"), anonymousName),
	}
	if c.AccessKey = k.get(bucket, "access.key"); c.AccessKey != "" {
		c.SecretKey, c.SessionToken = k.get(bucket, "secret.key"), k.get(bucket, "session.token")
	} else {
		c.AccessKey, c.SecretKey, c.SessionToken = env("AWS_ACCESS_KEY_ID"), env("AWS_SECRET_ACCESS_KEY"), env("AWS_SESSION_TOKEN")
	}
	if err := c.splitEndpoint(); err != nil {
		return c, err
	}
	if c.Endpoint != defaultEndpoint {
		// Other stores rarely have a name per bucket, and ask for no region.
		c.PathStyle = c.PathStyle || k.get(bucket, "path.style.access") == ""
		c.Region = first(c.Region, defaultRegion)
	}
	return c, nil
}

// splitEndpoint takes an endpoint given as a URL apart; its scheme decides
// over TLS.
func (c *Config) splitEndpoint() error {
	if !strings.Contains(c.Endpoint, "://") {
		return nil
	}
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != "" {
		return errs.E(errs.Invalid, "s3.Config", errs.Cond(errs.IllegalArg, "INVALID_OPTIONS.OPTION_VALUE", "42K06",
			"The S3 endpoint "+c.Endpoint+" is not a URL of a host; check fs.s3a.endpoint.", "option", "fs.s3a.endpoint", "value", c.Endpoint))
	}
	c.Endpoint, c.Secure = u.Host, u.Scheme == "https"
	return nil
}
